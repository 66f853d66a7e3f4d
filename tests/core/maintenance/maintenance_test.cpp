// SPDX-License-Identifier: Apache-2.0
#include "core/maintenance/maintenance.hpp"

#include "core/base/error.hpp"
#include "core/base/files.hpp"
#include "core/queue/tick.hpp"
#include "tests/support/pg_cluster.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <memory>
#include <sys/stat.h>
#include <utility>

using namespace wrktalk;
using namespace std::chrono_literals;
using base::Error;
using maintenance::kOperator;

namespace {

constexpr const char* kTask = "00000000-0000-4000-8000-00000000000a";
constexpr const char* kOther = "00000000-0000-4000-8000-00000000000b";

struct Fixture {
  Fixture() : database(test::kAgentTables), db(database.settings()) {
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
    maintenance::open(sessions, settings, {owner, target, "because", "me", lasts}, pulse);
  }
  bool close(const maintenance::Settings& settings, const std::string& owner,
             const std::optional<std::string>& target = std::nullopt) {
    return maintenance::close(sessions, settings, owner, target, pulse);
  }
  bool close_due(const maintenance::Settings& settings) { return maintenance::close_due(sessions, settings, pulse); }
  maintenance::State state(const maintenance::Settings& settings) {
    return maintenance::state(sessions, settings, pulse);
  }
  std::vector<std::string> disagreements(const maintenance::Settings& settings) {
    return maintenance::disagreements(state(settings));
  }
  bool shown(const maintenance::Settings& settings) { return base::exists(settings.flag_file); }
  bool enabled() { return state(machine("a")).enabled; }
  /// Seconds, as an agent's tick learns them.
  std::optional<double> due() {
    const auto tick = queue::tick(db, {"onlooker", "11111111-1111-1111-1111-111111111111", "1", {}});
    if (!tick.maintenance_due) return std::nullopt;
    return static_cast<double>(tick.maintenance_due->count()) / 1000;
  }

  /// A task that has ended, and how it left its target.
  void task(const std::string& id, const std::string& status, const std::string& state) {
    db.run(
        "INSERT INTO agent_task (id, type, status, completed_at, result) VALUES ($1::uuid, 'deploy', $2, now(), "
        "jsonb_build_object('state', $3::text)) ON CONFLICT (id) DO UPDATE SET status = excluded.status, result = "
        "excluded.result",
        id, status, state);
  }
  void seen(const std::string& agent, const std::string& ago) {
    db.run(
        "INSERT INTO agent_instance (id, agent_id, version, targets, last_seen) VALUES (gen_random_uuid(), $1, '1', "
        "'{}', now() - $2::interval)",
        agent, ago);
  }
  std::size_t windows() { return db.run("SELECT FROM maintenance_window").size(); }

  test::TestDatabase database;
  db::Session db;
  maintenance::Sessions sessions = [this]() -> db::Session& { return db; };
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
    CHECK_FALSE(f.due());
    CHECK(f.close(b, kTask));
    CHECK_FALSE(f.shown(b));
    CHECK(f.shown(a));
    CHECK_FALSE(f.enabled());
    REQUIRE(f.due());
    CHECK(*f.due() <= 0);
    CHECK_FALSE(f.close_due(b));
    CHECK(f.shown(a));
    CHECK(f.disagreements(b).size() == 1);
    CHECK(f.close_due(a));
    CHECK_FALSE(f.shown(a));
    CHECK_FALSE(f.due());
    CHECK(f.state(a).windows.empty());
  }

  TEST_CASE("a window with a time is over then, and due only when no other holds") {
    if (!test::have_postgres()) return;
    Fixture f;
    const auto a = f.machine("a");
    f.open(a, kOperator, 1h);
    REQUIRE(f.due());
    CHECK(*f.due() > 3500);
    f.open(a, kTask);
    CHECK_FALSE(f.due());
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
    CHECK_FALSE(f.due());
    CHECK_FALSE(f.state(a).windows.at(0).ends_at);
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
    CHECK_THROWS_WITH_AS(f.open(a, kTask), doctest::Contains("cannot make the maintenance flag"),
                         maintenance::ProxyError);
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
    CHECK_THROWS_WITH_AS(f.close(a, kTask), doctest::Contains("cannot remove the maintenance flag"),
                         maintenance::ProxyError);
    REQUIRE(f.due());
    CHECK(*f.due() <= 0);
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

  TEST_CASE("another agent at the same flag file takes the flag of a dead one down, and its window with it") {
    if (!test::have_postgres()) return;
    Fixture f;
    const auto pod1 = f.machine("pod-1");
    auto pod2 = f.machine("pod-2");
    pod2.flag_file = pod1.flag_file;
    f.open(pod1, kTask);
    f.open(pod2, kTask);
    CHECK(f.windows() == 2);
    CHECK(f.disagreements(pod2).empty());
    CHECK(f.close(pod2, kTask, "host:a"));
    CHECK_FALSE(f.shown(pod1));
    CHECK(f.windows() == 0);
    f.open(pod1, kTask);
    CHECK(f.close(pod2, kTask));
    CHECK_FALSE(f.shown(pod1));
    CHECK(f.windows() == 0);
  }

  TEST_CASE("a flag file that another agent raised is not taken for one put there by hand") {
    if (!test::have_postgres()) return;
    Fixture f;
    const auto a = f.machine("a");
    auto b = f.machine("b");
    b.flag_file = a.flag_file;
    f.open(a, kTask);
    f.db.run("DELETE FROM maintenance_window");
    f.db.run("UPDATE deployment_config SET maintenance_mode_enabled = false");
    f.open(b, kOther);
    CHECK(f.close(b, kOther));
    CHECK_FALSE(f.shown(a));
  }

  TEST_CASE("a flag file that was put there by hand stays when another agent finishes the task") {
    if (!test::have_postgres()) return;
    Fixture f;
    const auto a = f.machine("a");
    auto b = f.machine("b");
    b.flag_file = a.flag_file;
    std::ofstream(a.flag_file) << "";
    f.open(a, kTask);
    f.open(b, kTask);
    CHECK_FALSE(f.close(b, kTask));
    CHECK(f.shown(a));
    CHECK(f.windows() == 0);
  }

  TEST_CASE("a window that nobody shows is closed by any agent") {
    if (!test::have_postgres()) return;
    Fixture f;
    auto a = f.machine("a");
    a.handler = maintenance::Handler::none;
    f.open(a, kTask);
    CHECK(f.close(f.machine("b"), kTask));
    CHECK(f.windows() == 0);
  }

  TEST_CASE("the same program on another machine is run, and the window waits for its agent while that lives") {
    if (!test::have_postgres()) return;
    Fixture f;
    const std::string off = f.folder.path() + "/off";
    std::ofstream(off) << "#!/bin/sh\necho off >>" << f.folder.path() << "/log\n";
    ::chmod(off.c_str(), 0755);
    auto a = f.machine("a");
    auto b = f.machine("b");
    for (auto* settings : {&a, &b}) {
      settings->handler = maintenance::Handler::command;
      settings->on_program = "/bin/true";
      settings->off_program = off;
    }
    const auto runs = [&] { return base::read_file_if_exists(f.folder.path() + "/log", 4096).value_or(""); };
    f.seen("a", "1 second");
    f.open(a, kTask);
    CHECK(f.close(b, kTask));
    CHECK(runs() == "off\n");
    CHECK(f.windows() == 1);
    CHECK_FALSE(f.close_due(b));
    CHECK(runs() == "off\n");
    f.db.run("UPDATE agent_instance SET last_seen = now() - interval '11 minutes'");
    CHECK(f.close_due(b));
    CHECK(runs() == "off\noff\n");
    CHECK(f.windows() == 0);
  }

  TEST_CASE("a window is over with its task, also when nobody wrote that") {
    if (!test::have_postgres()) return;
    const std::pair<const char*, const char*> ends[] = {
        {"completed", "applied"}, {"failed", "put_back"}, {"failed", "untouched"}, {"cancelled", "put_back"}};
    for (const auto& [status, left] : ends) {
      Fixture f;
      const auto a = f.machine("a");
      f.open(a, kTask);
      f.task(kTask, "inProgress", "");
      CHECK_FALSE(f.due());
      CHECK_FALSE(f.close_due(a));
      CHECK(f.shown(a));
      f.task(kTask, status, left);
      REQUIRE(f.due());
      CHECK(*f.due() <= 0);
      CHECK_FALSE(f.state(a).held());
      CHECK(f.disagreements(a).size() == 1);
      CHECK(f.close_due(a));
      CHECK_FALSE(f.shown(a));
      CHECK_FALSE(f.enabled());
      CHECK(f.windows() == 0);
    }
  }

  TEST_CASE("a window of a task that could not be put back holds") {
    if (!test::have_postgres()) return;
    Fixture f;
    const auto a = f.machine("a");
    f.open(a, kTask);
    f.task(kTask, "failed", "not_put_back");
    CHECK_FALSE(f.due());
    CHECK_FALSE(f.close_due(a));
    CHECK(f.shown(a));
  }

  TEST_CASE("that a task ended is written down, so that a retry does not open its window again") {
    if (!test::have_postgres()) return;
    Fixture f;
    const auto a = f.machine("a");
    f.open(a, kTask);
    f.task(kTask, "failed", "put_back");
    CHECK_FALSE(f.close_due(f.machine("b")));
    f.task(kTask, "pending", "");
    CHECK_FALSE(f.state(a).held());
    CHECK_FALSE(f.enabled());
  }

  TEST_CASE("a session may be replaced while a program runs") {
    if (!test::have_postgres()) return;
    Fixture f;
    const std::string off = f.folder.path() + "/off";
    std::ofstream(off) << "#!/bin/sh\nexec sleep 0.2\n";
    ::chmod(off.c_str(), 0755);
    auto a = f.machine("a");
    a.handler = maintenance::Handler::command;
    a.on_program = off;
    a.off_program = off;
    auto current = std::make_unique<db::Session>(f.database.settings());
    struct Replacing : base::Pulse {
      base::Deadline watch(std::vector<pollfd>&) override { return base::Deadline::in(50ms); }
      void tick() override { renew(); }
      std::function<void()> renew;
    } pulse;
    std::size_t open_transactions = 0;
    pulse.renew = [&] {
      open_transactions += f.db.run(
                                   "SELECT FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM "
                                   "pg_database WHERE datname = current_database())")
                               .size();
      current = std::make_unique<db::Session>(f.database.settings());
    };
    const maintenance::Sessions sessions = [&]() -> db::Session& { return *current; };
    maintenance::open(sessions, a, {kTask, "host:a", "", "me", {}}, pulse);
    CHECK(f.windows() == 1);
    CHECK(maintenance::close(sessions, a, kTask, std::nullopt, pulse));
    CHECK(f.windows() == 0);
    CHECK(open_transactions == 0);
  }

  TEST_CASE("a window that is opened while the last one is taken down is shown in the end") {
    if (!test::have_postgres()) return;
    Fixture f;
    const std::string reload = f.folder.path() + "/reload";
    std::ofstream(reload) << "#!/bin/sh\nexec sleep 0.2\n";
    ::chmod(reload.c_str(), 0755);
    auto a = f.machine("a");
    f.open(a, kTask);
    a.reload = reload;
    auto b = f.machine("b");
    b.flag_file = a.flag_file;
    struct Opening : base::Pulse {
      base::Deadline watch(std::vector<pollfd>&) override { return base::Deadline::in(20ms); }
      void tick() override {
        if (std::exchange(opened, true)) return;
        open();
      }
      std::function<void()> open;
      bool opened = false;
    } pulse;
    // It finds the flag gone, or still there: either way it is there when both are done.
    pulse.open = [&] { f.open(b, kOther); };
    CHECK_FALSE(maintenance::close(f.sessions, a, kTask, std::nullopt, pulse));
    CHECK(pulse.opened);
    CHECK(f.shown(a));
    CHECK(f.enabled());
    CHECK(f.close(b, kOther));
    CHECK_FALSE(f.shown(a));
    CHECK(f.close_due(a));
    CHECK(f.windows() == 0);
  }

  TEST_CASE("a database that takes no writes says so, and the same call works when it does") {
    if (!test::have_postgres()) return;
    Fixture f;
    const auto a = f.machine("a");
    f.open(a, kTask);
    f.db.run("SET default_transaction_read_only = on");
    try {
      f.close(a, kTask);
      FAIL("it cannot have worked");
    } catch (const db::SqlError& e) {
      CHECK(e.sqlstate() == "25006");
    }
    CHECK(f.shown(a));
    f.db.run("SET default_transaction_read_only = off");
    CHECK(f.close(a, kTask));
    CHECK_FALSE(f.shown(a));
  }

  TEST_CASE("status names a window that is over and still shown here") {
    if (!test::have_postgres()) return;
    Fixture f;
    const auto a = f.machine("a");
    auto b = f.machine("b");
    b.flag_file = a.flag_file;
    f.open(a, kTask);
    f.db.run("UPDATE maintenance_window SET expires_at = now()");
    f.db.run("UPDATE deployment_config SET maintenance_mode_enabled = false");
    const auto found = f.disagreements(b);
    REQUIRE(found.size() == 1);
    CHECK(found[0].find("flag file " + a.flag_file + " shows it") != std::string::npos);
  }
}
