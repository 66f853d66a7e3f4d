// SPDX-License-Identifier: Apache-2.0
#include "core/maintenance/maintenance.hpp"

#include "core/base/error.hpp"
#include "core/base/files.hpp"
#include "tests/support/pg_cluster.hpp"

#include <doctest/doctest.h>

#include <fstream>

using namespace wrktalk;
using namespace std::chrono_literals;
using base::Error;
using maintenance::kOperator;

namespace {

constexpr const char* kTask = "00000000-0000-4000-8000-00000000000a";
constexpr const char* kOther = "00000000-0000-4000-8000-00000000000b";

struct Fixture {
  Fixture() : database{test::kAgentTables[0], test::kAgentTables[1]}, db(database.settings()) {
    db.run("INSERT INTO deployment_config (deployment_type) VALUES ('host')");
  }
  /// A machine with a flag file of its own.
  maintenance::Settings machine(const std::string& name) {
    maintenance::Settings settings;
    settings.agent_id = name;
    settings.flag_file = folder.path() + "/" + name;
    return settings;
  }
  void open(const maintenance::Settings& settings, const std::string& owner,
            std::optional<std::chrono::milliseconds> lasts = std::nullopt,
            std::optional<std::string> target = "host:a") {
    if (owner == kOperator) target.reset();
    maintenance::open(db, settings, {owner, target, "because", "me", lasts}, pulse);
  }
  bool close(const maintenance::Settings& settings, const std::string& owner,
             const std::optional<std::string>& target = std::nullopt) {
    return maintenance::close(db, settings, owner, target, pulse);
  }
  bool close_due(const maintenance::Settings& settings) { return maintenance::close_due(db, settings, pulse); }
  maintenance::State state(const maintenance::Settings& settings) { return maintenance::state(db, settings, pulse); }
  std::vector<std::string> disagreements(const maintenance::Settings& settings) {
    return maintenance::disagreements(state(settings), settings.agent_id);
  }
  bool shown(const maintenance::Settings& settings) { return base::exists(settings.flag_file); }
  bool enabled() { return state(machine("a")).enabled; }
  /// Seconds, as an agent's tick learns them.
  std::optional<double> due(const std::string& agent) {
    const auto row = db.run("SELECT " + maintenance::seconds_until_due("$1") + " AS due", agent)[0];
    if (row["due"].is_null()) return std::nullopt;
    return row["due"].as<double>();
  }

  test::TestDatabase database;
  db::Session db;
  base::NoPulse pulse;
  base::TempDir folder{base::temporary_parent(), "maintenance-"};
};

}  // namespace

TEST_SUITE("maintenance") {
  TEST_CASE("a task's window is shown while it is open, and again is fine") {
    if (!test::have_postgres()) return;
    Fixture f;
    const auto a = f.machine("a");
    f.open(a, kTask);
    f.open(a, kTask);
    CHECK(f.shown(a));
    CHECK(f.enabled());
    CHECK(f.disagreements(a).empty());
    CHECK(f.close(a, kTask));
    CHECK(f.close(a, kTask));
    CHECK_FALSE(f.shown(a));
    CHECK_FALSE(f.enabled());
    CHECK(f.state(a).windows.empty());
  }

  TEST_CASE("the operator's window outlives a task's") {
    if (!test::have_postgres()) return;
    Fixture f;
    const auto a = f.machine("a");
    f.open(a, kOperator);
    f.open(a, kTask);
    CHECK_FALSE(f.close(a, kTask));
    CHECK(f.shown(a));
    CHECK(f.state(a).held());
    CHECK(f.close(a, kOperator));
    CHECK_FALSE(f.shown(a));
    CHECK(f.state(a).windows.empty());
  }

  TEST_CASE("a mode that v4.2 switched on counts as the operator's") {
    if (!test::have_postgres()) return;
    Fixture f;
    const auto a = f.machine("a");
    f.db.run("UPDATE deployment_config SET maintenance_mode_enabled = true");
    CHECK(f.disagreements(a).size() == 1);
    f.open(a, kTask);
    CHECK_FALSE(f.close(a, kTask));
    CHECK(f.enabled());
    CHECK(f.close(a, kOperator));
    CHECK_FALSE(f.enabled());
  }

  TEST_CASE("a flag that was put there by hand stays after a task, and goes with the operator's off") {
    if (!test::have_postgres()) return;
    Fixture f;
    const auto a = f.machine("a");
    std::ofstream(a.flag_file) << "";
    CHECK(f.disagreements(a).size() == 1);
    f.open(a, kTask);
    f.open(a, kOther);
    CHECK_FALSE(f.close(a, kTask));
    CHECK_FALSE(f.close(a, kOther));
    CHECK(f.shown(a));
    CHECK_FALSE(f.enabled());
    CHECK(f.state(a).windows.empty());
    CHECK(f.close(a, kOperator));
    CHECK_FALSE(f.shown(a));
  }

  TEST_CASE("a flag that a killed task of ours left is not taken for one put there by hand") {
    if (!test::have_postgres()) return;
    Fixture f;
    const auto a = f.machine("a");
    f.open(a, kTask);
    f.open(a, kTask);  // the take-over
    CHECK(f.close(a, kTask));
    CHECK_FALSE(f.shown(a));
  }

  TEST_CASE("a task that another machine finished leaves the first one's flag to that machine") {
    if (!test::have_postgres()) return;
    Fixture f;
    const auto a = f.machine("a");
    const auto b = f.machine("b");
    f.open(a, kTask);
    f.open(b, kTask);
    CHECK_FALSE(f.due("a"));
    CHECK(f.close(b, kTask));
    CHECK_FALSE(f.shown(b));
    CHECK(f.shown(a));
    CHECK_FALSE(f.enabled());
    CHECK_FALSE(f.due("b"));
    REQUIRE(f.due("a"));
    CHECK(*f.due("a") <= 0);
    CHECK(f.disagreements(b).size() == 1);
    CHECK(f.close_due(a));
    CHECK_FALSE(f.shown(a));
    CHECK_FALSE(f.due("a"));
    CHECK(f.state(a).windows.empty());
  }

  TEST_CASE("a window with a time is over then, and due only when no other holds") {
    if (!test::have_postgres()) return;
    Fixture f;
    const auto a = f.machine("a");
    f.open(a, kOperator, 1h);
    REQUIRE(f.due("a"));
    CHECK(*f.due("a") > 3500);
    CHECK_FALSE(f.due("b"));
    f.open(a, kTask);
    CHECK_FALSE(f.due("a"));
    f.db.run("UPDATE maintenance_window SET expires_at = now() - interval '1 second' WHERE owner = 'operator'");
    CHECK_FALSE(f.close_due(a));
    CHECK(f.shown(a));
    CHECK(f.close(a, kTask));
    CHECK_FALSE(f.shown(a));
    CHECK(f.state(a).windows.empty());
  }

  TEST_CASE("on again gives a window another end") {
    if (!test::have_postgres()) return;
    Fixture f;
    const auto a = f.machine("a");
    f.open(a, kOperator, 1h);
    f.open(a, kOperator);
    CHECK_FALSE(f.due("a"));
    CHECK_FALSE(f.state(a).windows.at(0).expires_at);
  }

  TEST_CASE("a task that completes closes what a failed one left open on its target, and on no other") {
    if (!test::have_postgres()) return;
    Fixture f;
    const auto a = f.machine("a");
    f.open(a, kOther, std::nullopt, "host:a");
    f.open(a, kTask, std::nullopt, "host:b");
    CHECK_FALSE(f.close(a, kTask, "host:b"));
    CHECK(f.shown(a));
    f.open(a, kTask, std::nullopt, "host:a");
    CHECK(f.close(a, kTask, "host:a"));
    CHECK_FALSE(f.shown(a));
  }

  TEST_CASE("a proxy that cannot be switched leaves no window behind when it was to go on") {
    if (!test::have_postgres()) return;
    Fixture f;
    auto a = f.machine("a");
    a.flag_file = f.folder.path() + "/missing/flag";
    CHECK_THROWS_WITH_AS(f.open(a, kTask), doctest::Contains("cannot make the maintenance flag"), Error);
    CHECK(f.state(a).windows.empty());
    CHECK_FALSE(f.enabled());
  }

  TEST_CASE("a window that could neither be shown nor taken down holds no more, however often it is tried") {
    if (!test::have_postgres()) return;
    Fixture f;
    auto a = f.machine("a");
    base::make_directories(a.flag_file, 0755);
    for (int i = 0; i < 2; ++i) {
      CHECK_THROWS_AS(f.open(a, kTask), Error);
      CHECK_FALSE(f.state(a).held());
    }
  }

  TEST_CASE("a proxy that cannot be switched off is tried again: the window is over and due") {
    if (!test::have_postgres()) return;
    Fixture f;
    auto a = f.machine("a");
    f.open(a, kTask);
    ::unlink(a.flag_file.c_str());
    base::make_directories(a.flag_file, 0755);
    CHECK_THROWS_WITH_AS(f.close(a, kTask), doctest::Contains("cannot remove the maintenance flag"), Error);
    REQUIRE(f.due("a"));
    CHECK(*f.due("a") <= 0);
    ::rmdir(a.flag_file.c_str());
    CHECK(f.close_due(a));
    CHECK(f.state(a).windows.empty());
  }

  TEST_CASE("status names each that does not agree") {
    if (!test::have_postgres()) return;
    Fixture f;
    const auto a = f.machine("a");
    f.open(a, kOperator);
    ::unlink(a.flag_file.c_str());
    f.db.run("UPDATE deployment_config SET maintenance_mode_enabled = false");
    const auto found = f.disagreements(a);
    REQUIRE(found.size() == 2);
    CHECK(found[0] == "deployment_config says that maintenance is off, but a window is open");
    CHECK(found[1] == "flag file " + a.flag_file + " does not show the window that is open here");
    CHECK(f.disagreements(f.machine("b")).size() == 1);
  }

  TEST_CASE("a deployment_config without a row disagrees with nobody") {
    if (!test::have_postgres()) return;
    Fixture f;
    f.db.run("DELETE FROM deployment_config");
    const auto a = f.machine("a");
    f.open(a, maintenance::kOperator);
    CHECK(f.disagreements(a).empty());
    CHECK(f.close(a, maintenance::kOperator));
  }

  TEST_CASE("a link in the flag's place is not followed") {
    if (!test::have_postgres()) return;
    Fixture f;
    const auto a = f.machine("a");
    REQUIRE(::symlink((f.folder.path() + "/victim").c_str(), a.flag_file.c_str()) == 0);
    CHECK_THROWS_AS(f.open(a, kOperator), Error);
    CHECK_FALSE(base::exists(f.folder.path() + "/victim"));
  }
}
