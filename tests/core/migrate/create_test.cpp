// SPDX-License-Identifier: Apache-2.0
#include "core/migrate/create.hpp"

#include "core/base/error.hpp"
#include "core/base/files.hpp"
#include "core/migrate/migration.hpp"

#include <doctest/doctest.h>

using namespace wrktalk;
using namespace wrktalk::migrate;

TEST_SUITE("migrate::create") {
  TEST_CASE("numbers go on as the folder writes them") {
    const base::TempDir dir("/tmp", "wt-create-");
    const std::string folder = dir.path() + "/new/migrations";
    CHECK(create_files(folder, "first_one", false).at(0) == folder + "/001_first_one.up.sql");
    CHECK(create_files(folder, "second", false).at(1) == folder + "/002_second.down.sql");
    const Set set = read_set(folder, "test");
    CHECK(set.migrations.at(0).title == "First one");
    CHECK(set.migrations.at(1).down.has_value());

    base::write_file(folder + "/003_a.up.sql", "", 0644);
    for (int i = 4; i <= 9; ++i) base::write_file(folder + "/" + std::to_string(i) + "_a.up.sql", "", 0644);
    CHECK(create_files(folder, "tenth", false).at(0) == folder + "/10_tenth.up.sql");
  }

  TEST_CASE("a folder with timestamps gets another one") {
    const base::TempDir dir("/tmp", "wt-create-");
    const std::string first = create_files(dir.path(), "a", true).at(0);
    CHECK(first.size() == (dir.path() + "/20260101120000_a.up.sql").size());
    CHECK(create_files(dir.path(), "b", false).at(0).size() == first.size());
  }

  TEST_CASE("names that are no file's are refused, and disorder is not made worse") {
    const base::TempDir dir("/tmp", "wt-create-");
    for (const char* name : {"", "a b", "../a", "A", "a;b"}) {
      CAPTURE(name);
      CHECK_THROWS_AS(create_files(dir.path(), name, false), base::Error);
    }
    base::write_file(dir.path() + "/001_a.up.sql", "", 0644);
    base::write_file(dir.path() + "/003_a.up.sql", "", 0644);
    CHECK_THROWS_AS(create_files(dir.path(), "b", false), base::Error);
  }
}
