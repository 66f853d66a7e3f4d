// SPDX-License-Identifier: Apache-2.0
#include "core/artifact/artifact.hpp"
#include "core/base/error.hpp"
#include "core/base/files.hpp"
#include "tests/support/pg_cluster.hpp"
#include "tests/support/tar.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <filesystem>

using namespace wrktalk;
using namespace std::chrono_literals;
using test::Tar;

namespace {

/// The agent's tables in a database of its own, a folder, and the verbs with the arguments that never change.
struct Site {
  test::TestDatabase database{test::kAgentTables};
  base::TempDir folder{"/tmp", "wrktalk-artifact-"};
  base::NoPulse pulse;
  db::raw::Connection db{database.settings()};

  std::string write(const std::string& name, const std::string& bytes) const {
    base::write_file(folder.path() + "/" + name, bytes, 0644);
    return folder.path() + "/" + name;
  }

  artifact::Stored add(const std::string& bytes, const std::string& version,
                       const std::optional<std::string>& type = "host") {
    return artifact::store(db, artifact::check_file(write("in", bytes), type, {}, pulse), {version, {}, {}}, pulse);
  }

  void sql(const std::string& statements) { db.script(statements, pulse, base::Deadline::in(30s)); }

  std::string fetch(const artifact::Artifact& artifact) {
    return artifact::fetch(db, artifact, folder.path() + "/tree", {}, pulse).path();
  }

  std::size_t names() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder.path()), {}));
  }
};

const std::string& chart() {
  static const std::string bytes = test::gzip(
      Tar().file("app/Chart.yaml", "name: app\n").file("app/values.yaml", std::string(700'000, 'v')).bytes());
  return bytes;
}

/// Random enough not to pack, larger than a few slices.
std::string incompressible() {
  std::string bytes(1'500'000, '\0');
  std::uint64_t state = 88172645463325252;
  for (char& c : bytes) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    c = static_cast<char>(state);
  }
  return bytes;
}

}  // namespace

TEST_SUITE("artifact in the database") {
  TEST_CASE("a release comes back as it was stored, with its texts") {
    if (!test::have_postgres()) return;
    Site site;
    const std::string bytes =
        test::gzip(Tar().file("app/Chart.yaml", "name: app\n").file("app/b", incompressible()).bytes());
    const std::string file = site.write("app.tgz", bytes);
    const auto checked = artifact::check_file(file, {}, {}, site.pulse);
    const auto stored =
        artifact::store(site.db, checked, {"1.0.0", "A=b\n", "replicas: 2 # \xC3\xA4\n"}, site.pulse).artifact;
    CHECK(stored.chart_type == "helm");
    CHECK(stored.size_bytes == bytes.size());
    CHECK(stored.sha256 == base::sha256_hex(bytes));
    CHECK(stored.has_env);
    CHECK(artifact::texts_of(site.db, stored.id, site.pulse).env == "A=b\n");
    CHECK(artifact::texts_of(site.db, stored.id, site.pulse).values == "replicas: 2 # \xC3\xA4\n");
    const std::string id = "WHERE id = '" + stored.id + "'";
    site.sql("UPDATE release_artifact SET env_data = repeat('x', 1000000) " + id);
    CHECK(artifact::texts_of(site.db, stored.id, site.pulse).env->size() == artifact::kLargestText);
    site.sql("UPDATE release_artifact SET env_data = repeat('x', 1000001) " + id);
    CHECK_THROWS_WITH_AS(artifact::texts_of(site.db, stored.id, site.pulse).env,
                         "env_data of the release is larger than 1.0 MB", base::Error);
    CHECK(artifact::find(site.db, "1.0.0", {}, site.pulse).id == stored.id);
    CHECK(artifact::find(site.db, stored.id, "helm", site.pulse).version == "1.0.0");

    CHECK(base::read_file(site.fetch(stored) + "/app/b", 2'000'000) == incompressible());
    artifact::export_to(site.db, stored, site.folder.path() + "/out", site.pulse);
    CHECK(base::read_file(site.folder.path() + "/out", 2'000'000) == bytes);
    CHECK(artifact::verify(site.db, stored, {}, site.pulse).good());
    CHECK(site.names() == 3);
  }

  TEST_CASE("the same file again changes nothing, another one under the same version is refused") {
    if (!test::have_postgres()) return;
    Site site;
    const auto first = site.add(chart(), "1.0.0", {});
    CHECK_FALSE(first.was_there);
    const auto second = site.add(chart(), "1.0.0", {});
    CHECK(second.was_there);
    CHECK(second.artifact.id == first.artifact.id);
    CHECK_THROWS_AS(site.add(test::gzip(Tar().file("Chart.yaml", "other").bytes()), "1.0.0", {}), base::Error);
    const auto same_file = artifact::check_file(site.write("c.tgz", chart()), {}, {}, site.pulse);
    CHECK_THROWS_AS(artifact::store(site.db, same_file, {"1.0.0", {}, "replicas: 3\n"}, site.pulse), base::Error);
    CHECK_NOTHROW(site.add(chart(), "1.0.0", "host"));
    CHECK_THROWS_AS(artifact::find(site.db, "1.0.0", {}, site.pulse), base::Error);
    CHECK(artifact::find(site.db, "1.0.0", "host", site.pulse).chart_type == "host");
    CHECK(artifact::list(site.db, site.pulse).size() == 2);
    CHECK_FALSE(site.db.in_transaction());
  }

  TEST_CASE("versions and texts that cannot be stored are refused") {
    if (!test::have_postgres()) return;
    Site site;
    const auto file = artifact::check_file(site.write("c.tgz", chart()), {}, {}, site.pulse);
    CHECK_THROWS_AS(artifact::store(site.db, file, {"../1", {}, {}}, site.pulse), base::Error);
    CHECK_THROWS_AS(artifact::store(site.db, file, {"1", std::string("a\0b", 3), {}}, site.pulse), base::Error);
    CHECK_THROWS_AS(artifact::store(site.db, file, {"1", {}, "\xFF"}, site.pulse), base::Error);
    CHECK(artifact::list(site.db, site.pulse).empty());
  }

  TEST_CASE("a version that looks like an id is refused, and one that was stored so leaves both releases reachable") {
    if (!test::have_postgres()) return;
    Site site;
    const std::string id = site.add(chart(), "1.0.0", {}).artifact.id;
    CHECK_THROWS_WITH_AS(site.add(chart(), id, "host"), doctest::Contains("looks like a release's id"), base::Error);
    CHECK_THROWS_AS(site.add(chart(), "ABCDEF01-0000-4000-8000-00000000000A", {}), base::Error);
    CHECK_NOTHROW(site.add(chart(), "abcdef01-0000-4000-8000", {}));
    const std::string other = site.add(chart(), "2.0.0", {}).artifact.id;
    site.sql("UPDATE release_artifact SET release_version = '" + id + "' WHERE id = '" + other + "'");
    CHECK(artifact::find(site.db, id, {}, site.pulse).version == "1.0.0");
    CHECK(artifact::find(site.db, other, {}, site.pulse).version == id);
  }

  TEST_CASE("a file that changes after it was checked is not stored") {
    if (!test::have_postgres()) return;
    Site site;
    for (const std::string& changed :
         {chart() + "x", chart().substr(0, chart().size() / 2), std::string(chart().size(), 'x')}) {
      const auto file = artifact::check_file(site.write("c.tgz", chart()), {}, {}, site.pulse);
      site.write("c.tgz", changed);
      CHECK_THROWS_AS(artifact::store(site.db, file, {"1", {}, {}}, site.pulse), base::Error);
      CHECK_FALSE(site.db.in_transaction());
    }
    CHECK(artifact::list(site.db, site.pulse).empty());
  }

  TEST_CASE("a digest that does not match leaves nothing") {
    if (!test::have_postgres()) return;
    Site site;
    auto stored = site.add(chart(), "1", {}).artifact;
    site.fetch(stored);
    const auto names = site.names();
    stored.sha256 = std::string(64, '0');
    CHECK_THROWS_AS(site.fetch(stored), base::Error);
    CHECK_THROWS_AS(artifact::export_to(site.db, stored, site.folder.path() + "/out", site.pulse), base::Error);
    CHECK(artifact::verify(site.db, stored, {}, site.pulse).problem.find("sha256 does not match") != std::string::npos);
    CHECK(site.names() == names);
    CHECK(base::exists(site.folder.path() + "/tree/app/Chart.yaml"));
  }

  TEST_CASE("bytes that the database damaged are told by their digest, a bad archive by its fault") {
    if (!test::have_postgres()) return;
    Site site;
    auto stored = site.add(chart(), "1", {}).artifact;
    site.sql("UPDATE release_artifact SET artifact_data = substring(artifact_data FROM 1 FOR 300)");
    CHECK(artifact::verify(site.db, stored, {}, site.pulse).problem.find("sha256 does not match") != std::string::npos);
    site.sql("UPDATE release_artifact SET sha256 = upper(encode(sha256(artifact_data), 'hex'))");
    stored = artifact::find(site.db, "1", {}, site.pulse);
    CHECK(artifact::verify(site.db, stored, {}, site.pulse).problem == "the gzip data is cut short");
    CHECK_THROWS_WITH(site.fetch(stored), "release 1: the gzip data is cut short");
    CHECK(site.names() == 1);
  }

  TEST_CASE("a value that PostgreSQL compressed, and one in chunks, read the same") {
    if (!test::have_postgres()) return;
    Site site;
    const std::string plain =
        Tar().file("compose.yaml", "services: {}\n").file("x", std::string(3'000'000, 'x')).bytes();
    site.sql("ALTER TABLE release_artifact ALTER COLUMN artifact_data SET STORAGE EXTENDED");
    auto stored = site.add(plain, "1", {}).artifact;
    const auto ratio =
        site.db.query("SELECT octet_length(artifact_data) / pg_column_size(artifact_data) FROM release_artifact", {},
                      site.pulse, base::Deadline::in(30s));
    CHECK(std::stoi(ratio.rows.at(0).at(0).value_or("0")) > 10);
    CHECK(base::read_file(site.fetch(stored) + "/x", 4'000'000) == std::string(3'000'000, 'x'));

    site.sql(
        "INSERT INTO release_artifact_chunk SELECT id, i, substring(artifact_data FROM i * 100000 + 1 FOR 100000)"
        " FROM release_artifact, generate_series((octet_length(artifact_data) - 1) / 100000, 0, -1) i;"
        "UPDATE release_artifact SET chunked = true, artifact_data = ''");
    stored = artifact::find(site.db, "1", {}, site.pulse);
    CHECK(stored.chunked);
    CHECK(stored.size_bytes == plain.size());
    CHECK(artifact::verify(site.db, stored, {}, site.pulse).good());
  }

  TEST_CASE("a v4.2 row, without a size, is as good") {
    if (!test::have_postgres()) return;
    Site site;
    site.add(chart(), "1", {});
    site.sql("UPDATE release_artifact SET size_bytes = NULL, is_current = NULL");
    const auto stored = artifact::find(site.db, "1", {}, site.pulse);
    CHECK(stored.size_bytes == chart().size());
    CHECK(artifact::verify(site.db, stored, {}, site.pulse).good());
  }

  TEST_CASE("a database without the agent's tables says what to do") {
    if (!test::have_postgres()) return;
    const test::TestDatabase empty;
    db::raw::Connection db(empty.settings());
    base::NoPulse pulse;
    try {
      artifact::list(db, pulse);
      FAIL("no error");
    } catch (const base::Error& error) {
      CHECK(error.kind() == base::Kind::configuration);
      CHECK(error.hint() == "run `wrktalk migrate up --set agent`");
    }
  }

  TEST_CASE("a pulse that says stop leaves neither files nor a transaction") {
    if (!test::have_postgres()) return;
    Site site;
    const auto stored = site.add(test::gzip(Tar().file("x", incompressible()).bytes()), "1").artifact;
    struct Stopping : base::NoPulse {
      int left = 10;
      void tick() override {
        if (--left <= 0) throw base::Error(base::Kind::cancelled, "stop");
      }
    } stopping;
    CHECK_THROWS_WITH(artifact::fetch(site.db, stored, site.folder.path() + "/tree", {}, stopping), "release 1: stop");
    CHECK(site.names() == 1);
    CHECK_FALSE(site.db.in_transaction());
    CHECK(artifact::verify(site.db, stored, {}, site.pulse).good());
  }
}
