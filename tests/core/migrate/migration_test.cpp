// SPDX-License-Identifier: Apache-2.0
#include "core/migrate/migration.hpp"

#include "core/base/error.hpp"
#include "core/base/files.hpp"
#include "core/migrate/history.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>

using namespace wrktalk;
using namespace wrktalk::migrate;

namespace {

/// A folder with these files, each with its name as content.
class Folder {
 public:
  explicit Folder(std::initializer_list<const char*> files) : dir_("/tmp", "wt-migrations-") {
    for (const char* file : files) base::write_file(dir_.path() + "/" + file, std::string("-- ") + file + "\n", 0644);
  }
  Set read() const { return read_set(dir_.path(), "test"); }
  std::string refusal() const {
    try {
      read();
    } catch (const base::Error& error) {
      std::string text = error.what();
      for (auto at = text.find(dir_.path()); at != std::string::npos; at = text.find(dir_.path())) {
        text.replace(at, dir_.path().size(), "DIR");
      }
      return text;
    }
    return {};
  }

 private:
  base::TempDir dir_;
};

Migration numbered(std::int64_t number, const std::string& content) {
  Migration migration;
  migration.number = number;
  migration.label = std::to_string(number);
  migration.name = "n" + migration.label;
  migration.up = make_script(migration.label + ".up.sql", content);
  migration.checksum = checksum(content);
  return migration;
}

LedgerRow applied(const Migration& migration) {
  return {
      migration.number, migration.name, migration.checksum, "2026-01-01T00:00:00Z", "me@here", {}, "applied", {}, true};
}

std::string states(const std::vector<Entry>& entries) {
  std::string text;
  for (const auto& entry : entries) text += (text.empty() ? "" : ", ") + std::string(to_string(entry.state));
  return text;
}

}  // namespace

TEST_SUITE("migrate::migration") {
  TEST_CASE("a folder is read in the order of its numbers, other files left alone") {
    const Set set =
        Folder({"10_c.up.sql", "9_b.up.sql", "008_a.up.sql", "8_a.down.sql", "README.md", "schema.sql"}).read();
    REQUIRE(set.migrations.size() == 3);
    CHECK(set.migrations[0].label == "008");
    CHECK(set.migrations[0].down.has_value());
    CHECK(set.migrations[2].name == "c");
    CHECK(Folder({"20260101120000_a.up.sql", "20260301120000_b.up.sql"}).read().migrations.size() == 2);
  }

  TEST_CASE("what cannot be ordered is refused with the files' names") {
    CHECK(Folder({"1_a.up.sql", "3_b.up.sql"}).refusal() ==
          "number 2 is missing between DIR/1_a.up.sql and DIR/3_b.up.sql");
    CHECK(Folder({"1_a.up.sql", "01_b.up.sql"}).refusal() == "DIR/01_b.up.sql and DIR/1_a.up.sql have the same number");
    CHECK(Folder({"1_a.up.sql", "2_b.down.sql"}).refusal() == "DIR/2_b.down.sql has no up file");
    CHECK(Folder({"1_a.up.sql", "1_b.down.sql"}).refusal() ==
          "DIR/1_a.up.sql and DIR/1_b.down.sql have one number and two names");
    CHECK(Folder({"1_a.up.sql", "8_a.sql"}).refusal() ==
          "DIR/8_a.sql looks like a migration, and its name is not NNN_name.up.sql or NNN_name.down.sql");
    CHECK(Folder({"a.sql"}).refusal() == "no migration in DIR");
  }

  TEST_CASE("a checksum does not see line endings, trailing blanks and empty lines at the end") {
    const std::string sum = checksum("create table a (\n  i int);\n");
    CHECK(checksum("create table a (  \r\n  i int);\r\n\r\n\n") == sum);
    CHECK(checksum("create table a (\n i int);\n") != sum);
    CHECK(checksum("create table a (\n\n  i int);\n") != sum);
  }

  TEST_CASE("the checkpoint set is the guide's") {
    const Set set = embedded_set("checkpoint");
    REQUIRE(set.migrations.size() == 1);
    CHECK(set.migrations[0].up.file == "checkpoint/001_create_checkpointer_tables.up.sql");
    CHECK(set.migrations[0].title == "Create LangGraph checkpoint tables");
    CHECK(set.migrations[0].down.has_value());
    CHECK_FALSE(set.adopt_sql.empty());
    CHECK_FALSE(set.fingerprint.empty());
    CHECK_THROWS_AS(embedded_set("other"), base::Error);
  }
}

TEST_SUITE("migrate::history") {
  TEST_CASE("each file and row has one state") {
    Set set;
    for (int i = 1; i <= 5; ++i) set.migrations.push_back(numbered(i, "select " + std::to_string(i)));
    const Migration beyond = numbered(9, "later");
    const Migration gone = numbered(0, "earlier");
    std::vector<LedgerRow> ledger = {applied(gone), applied(set.migrations[0]), applied(set.migrations[2])};
    ledger[1].checksum = "another";
    CHECK(states(history(set, ledger)) == "file missing, changed, out of order, applied, pending, pending");
    ledger.push_back(applied(beyond));
    CHECK(states(history(set, ledger)) ==
          "file missing, changed, out of order, applied, out of order, out of order, unknown");
    CHECK(states(history(set, {})) == "pending, pending, pending, pending, pending");
  }

  TEST_CASE("a file that came late is refused unless that is allowed") {
    Set set;
    for (int i = 1; i <= 3; ++i) set.migrations.push_back(numbered(i, "select " + std::to_string(i)));
    const auto entries = history(set, {applied(set.migrations[0]), applied(set.migrations[2])});
    CHECK_THROWS_WITH_AS(refuse_broken(entries, set, Late::refused),
                         "set : 2.up.sql is older than migrations that are already applied", base::Error);
    CHECK_NOTHROW(refuse_broken(entries, set, Late::allowed));
    CHECK(pending(entries, std::nullopt).at(0)->number == 2);
  }

  TEST_CASE("up takes what is pending up to a number, down the last ones first") {
    Set set;
    for (int i = 1; i <= 4; ++i) {
      set.migrations.push_back(numbered(i, "select " + std::to_string(i)));
      if (i > 1) set.migrations.back().down = make_script("down", "select 0");
    }
    const auto entries = history(set, {applied(set.migrations[0]), applied(set.migrations[1])});
    CHECK(pending(entries, std::nullopt).size() == 2);
    CHECK(pending(entries, 3).size() == 1);
    CHECK(pending(entries, 1).empty());
    CHECK_THROWS_AS(refuse_unknown_number(entries, 7), base::Error);
    CHECK_NOTHROW(refuse_unknown_number(entries, 0));
    CHECK(newest(entries)->number == 2);
    CHECK(newest(history(set, {})) == nullptr);
    CHECK(to_undo(entries, 1, std::nullopt).at(0)->number == 2);
    CHECK(to_undo(entries, 1, 1).size() == 1);
    CHECK_THROWS_AS(to_undo(entries, 2, std::nullopt), base::Error);
    CHECK_THROWS_AS(to_undo(entries, 1, 0), base::Error);
  }
}
