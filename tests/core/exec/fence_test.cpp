// SPDX-License-Identifier: Apache-2.0
#include "core/exec/fence.hpp"

#include "core/base/error.hpp"
#include "core/exec/signals.hpp"
#include "tests/core/exec/children.hpp"

#include <algorithm>
#include <atomic>
#include <sys/wait.h>

using namespace wrktalk;
using namespace wrktalk::exec;
using namespace wrktalk::exec::test;
using base::BootClock;

namespace {

/// An agent in a process of its own, so that it can be frozen and killed. It runs `script` under a fence whose lease it never
/// prolongs, and writes its guard's identity to guard, the way an agent records it in the database.
class Agent {
 public:
  Agent(const std::string& script, milliseconds lease, const std::string& task = {})
      : dir_("/tmp", "fence-test-"), pid_(::fork()) {
    if (pid_ != 0) return;
    Fence fence([&](const ProcessId& id) { base::write_file(guard_file(), to_text(id), 0600); }, task);
    fence.renew(BootClock::now(), lease);
    const Signals signals;
    Spec spec = shell(script);
    spec.directory = dir_.path();
    spec.fence = &fence;
    base::NoPulse pulse;
    ::_exit(run(spec, pulse).end == Outcome::End::fenced ? 42 : 1);
  }
  ~Agent() { signal(SIGKILL); }

  std::string file(const char* name) const { return dir_.path() + "/" + name; }
  std::string guard_file() const { return file("guard"); }
  ProcessId guard() const { return parse_process_id(base::read_file(guard_file(), 1000)); }
  pid_t tool() const { return pid_in(file("tool")); }
  bool tool_started() const {
    return becomes_true([&] { return tool() > 0; });
  }
  void signal(int number) {
    if (pid_ <= 0) return;
    ::kill(pid_, number);
    if (number != SIGKILL) return;
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }
  int wait() {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = 0;
    return WEXITSTATUS(status);
  }

 private:
  base::TempDir dir_;
  pid_t pid_;
};

const char* const kObedient = "echo $$ >tool; trap 'echo x >term; exit 0' TERM; while :; do sleep 0.02; done";
const char* const kStubborn = "echo $$ >tool; trap 'echo x >term' TERM; while :; do sleep 0.02; done";
/// Writes into ticks for ever, and ignores TERM.
const std::string kApart = apart("trap \"\" TERM; echo $$ >apart; while :; do echo x >>ticks; sleep 0.1; done");
const char* const kChatty = "trap 'exit 0' TERM; echo $$ >tool; while :; do seq 1 1000; echo $((i += 1)) >alive; done";

}  // namespace

TEST_SUITE("exec::Fence") {
  TEST_CASE("a process is named so that another with its pid is not taken for it") {
    const ProcessId self = identify(::getpid());
    CHECK(is_running_here(self));
    CHECK(to_text(parse_process_id(to_text(self))) == to_text(self));
    ProcessId other = self;
    ++other.start;
    CHECK_FALSE(is_running_here(other));
    CHECK(is_same_host(other));
    other = self;
    other.boot_id += "0";
    CHECK_FALSE(is_running_here(other));
    CHECK_FALSE(is_same_host(other));
    CHECK(identify(-1).pid == 0);
    for (const char* bad : {"", "boot", "boot 12", "boot x 3", "boot 1 2 3", "boot -1 2"})
      CHECK(parse_process_id(bad).pid == 0);
  }

  TEST_CASE("the tool gets TERM with a third of the lease left and KILL before it is over") {
    Fence fence;
    const auto asked = BootClock::now();
    fence.renew(asked, milliseconds(30'000));
    CHECK(fence.term_at().when() == asked + milliseconds(20'000));
    CHECK(fence.kill_at().when() < asked + milliseconds(30'000));
    CHECK(fence.kill_at().when() > asked + milliseconds(20'000));
  }

  TEST_CASE("a lease that is not prolonged ends the tool, and the run says so") {
    const auto begin = BootClock::now();
    Agent agent(kObedient, milliseconds(1500));
    REQUIRE(agent.tool_started());
    CHECK(agent.wait() == 42);
    CHECK(BootClock::now() - begin >= milliseconds(1000));
    CHECK(base::exists(agent.file("term")));
  }

  TEST_CASE("a lease that is prolonged lets the tool go on") {
    Fence fence;
    class Renewing : public base::NoPulse {
     public:
      explicit Renewing(Fence& fence) : fence_(fence) {}
      base::Deadline watch(std::vector<pollfd>&) override { return base::Deadline::in(milliseconds(100)); }
      void tick() override { fence_.renew(BootClock::now(), milliseconds(900)); }

     private:
      Fence& fence_;
    } pulse(fence);
    fence.renew(BootClock::now(), milliseconds(900));
    Spec spec = shell("sleep 2; echo done");
    spec.fence = &fence;
    CHECK(run(spec, pulse).out == "done\n");
  }

  TEST_CASE("a renewal that comes as the tool ends does not hide how it ended") {
    // The guard ends with renewals unread: its socket then tells us of a reset first.
    struct Eager : base::Pulse {
      explicit Eager(Fence& to_renew) : fence(to_renew) {}
      base::Deadline watch(std::vector<pollfd>&) override { return base::Deadline::in(milliseconds(0)); }
      void tick() override { fence.renew(BootClock::now(), std::chrono::seconds(10)); }
      Fence& fence;
    };
    Fence fence;
    fence.renew(BootClock::now(), std::chrono::seconds(10));
    Eager pulse(fence);
    Spec spec = shell("exit 3");
    spec.fence = &fence;
    for (int i = 0; i < 50; ++i) {
      const Outcome outcome = run(spec, pulse);
      REQUIRE(outcome.end == Outcome::End::exited);
      REQUIRE(outcome.code == 3);
    }
  }

  TEST_CASE("a frozen agent's tool is gone before the lease is over, however stubborn it is") {
    const auto lease_end = BootClock::now() + milliseconds(3000);
    Agent agent(kStubborn, milliseconds(3000));
    REQUIRE(agent.tool_started());
    agent.signal(SIGSTOP);
    CHECK(becomes_true([&] { return !is_alive(agent.tool()); }));
    CHECK(BootClock::now() < lease_end);
    CHECK(base::exists(agent.file("term")));
    agent.signal(SIGKILL);
    CHECK(becomes_true([&] { return !is_running_here(agent.guard()); }));
  }

  TEST_CASE("a killed agent's tool goes on until the lease allows no more, though nobody reads its output") {
    const auto begin = BootClock::now();
    Agent agent(kChatty, milliseconds(3000));
    REQUIRE(agent.tool_started());
    agent.signal(SIGKILL);
    const std::string then = base::read_file_if_exists(agent.file("alive"), 100).value_or("");
    CHECK(becomes_true([&] { return base::read_file_if_exists(agent.file("alive"), 100).value_or("") != then; }));
    CHECK(becomes_true([&] { return !is_alive(agent.tool()); }));
    CHECK(BootClock::now() - begin >= milliseconds(2000));
    CHECK(BootClock::now() - begin < milliseconds(3000));
    CHECK(becomes_true([&] { return !is_running_here(agent.guard()); }));
  }

  TEST_CASE("a restarted agent ends the guard of the one before, gently first") {
    Agent agent(kObedient, std::chrono::minutes(5));
    REQUIRE(agent.tool_started());
    agent.signal(SIGKILL);
    CHECK(is_running_here(agent.guard()));
    CHECK(end_guard(agent.guard(), milliseconds(5000)));
    CHECK_FALSE(is_alive(agent.tool()));
    CHECK(base::exists(agent.file("term")));
    CHECK(end_guard(agent.guard(), milliseconds(0)));  // again: nothing to do
  }

  TEST_CASE("a guard that was stopped is ended with its tool") {
    Agent agent("echo $$ >tool; trap 'echo x >term; exit' TERM; while :; do sleep 0.05; done", std::chrono::minutes(5));
    REQUIRE(agent.tool_started());
    agent.signal(SIGSTOP);
    ::kill(agent.guard().pid, SIGSTOP);
    CHECK(is_live_guard(agent.guard()));
    CHECK(end_guard(agent.guard(), milliseconds(5000)));
    CHECK_FALSE(is_live_guard(agent.guard()));
    CHECK_FALSE(is_alive(agent.tool()));
    agent.signal(SIGCONT);
  }

  TEST_CASE("a restarted agent ends a stubborn tool by force, its grandchildren too") {
    Agent agent("echo $$ >tool; trap '' TERM; sleep 60 & echo $! >grandchild; while :; do sleep 1; done",
                std::chrono::minutes(5));
    REQUIRE(agent.tool_started());
    REQUIRE(becomes_true([&] { return pid_in(agent.file("grandchild")) > 0; }));
    agent.signal(SIGKILL);
    CHECK(end_guard(agent.guard(), milliseconds(200)));
    CHECK_FALSE(is_alive(agent.tool()));
    CHECK_FALSE(is_alive(pid_in(agent.file("grandchild"))));
  }

  TEST_CASE("whatever the tool started is gone with it, in whatever session, however it ended") {
    Agent agent(kApart + kObedient, milliseconds(3000));
    REQUIRE(agent.tool_started());
    REQUIRE(becomes_true([&] { return base::exists(agent.file("ticks")); }));
    const auto ticks = [&] { return base::read_file(agent.file("ticks"), 100'000); };
    SUBCASE("the lease runs out") { CHECK(agent.wait() == 42); }
    SUBCASE("the lease of a killed agent runs out") {
      agent.signal(SIGKILL);
      CHECK(becomes_true([&] { return !is_running_here(agent.guard()); }));
    }
    SUBCASE("a restarted agent ends it") {
      agent.signal(SIGKILL);
      CHECK(end_guard(agent.guard(), milliseconds(200)));
    }
    SUBCASE("its guard is killed") {
      ::kill(agent.guard().pid, SIGKILL);
      CHECK(agent.wait() == 1);
    }
    CHECK_FALSE(is_alive(agent.tool()));
    const std::string then = ticks();
    std::this_thread::sleep_for(milliseconds(400));  // four ticks of one that is left
    CHECK(ticks() == then);
  }

  TEST_CASE("what is asked to end and started out of reach is asked as well") {
    Agent agent(apart("trap \"echo x >asked; exit\" TERM; echo x >up; while :; do sleep 0.05; done") + kObedient,
                std::chrono::minutes(5));
    REQUIRE(agent.tool_started());
    REQUIRE(becomes_true([&] { return base::exists(agent.file("up")); }));
    agent.signal(SIGKILL);
    CHECK(end_guard(agent.guard(), milliseconds(5000)));
    CHECK(base::exists(agent.file("asked")));
  }

  TEST_CASE("processes that go on starting others do not escape") {
    const std::string chain = "echo 'setsid sh chain & :' >chain; sh chain\n";  // each starts the next and ends
    Agent agent(chain + kStubborn, std::chrono::minutes(5));
    REQUIRE(agent.tool_started());
    agent.signal(SIGKILL);
    CHECK(end_guard(agent.guard(), milliseconds(100)));
  }

  TEST_CASE("a process that is no guard is not ended, whoever names it") {
    const pid_t stranger = ::fork();
    if (stranger == 0) {
      ::execlp("sleep", "sleep", "60", nullptr);
      ::_exit(127);
    }
    CHECK_FALSE(end_guard(identify(stranger), milliseconds(0)));
    CHECK(is_alive(stranger));
    CHECK_FALSE(end_guard(identify(::getpid()), milliseconds(0)));
    ::kill(stranger, SIGKILL);
    ::waitpid(stranger, nullptr, 0);
  }

  TEST_CASE("a process that only says that it is a guard is left alone") {
    const base::TempDir dir("/tmp", "fence-test-");
    base::write_file(dir.path() + "/__guard", "echo up >up; while :; do sleep 0.1; done\n", 0600);
    const pid_t stranger = ::fork();
    if (stranger == 0) {
      if (::chdir(dir.path().c_str()) == 0) ::execl("/bin/sh", "wrktalk", kGuardCommand, nullptr);
      ::_exit(127);
    }
    REQUIRE(becomes_true([&] { return base::exists(dir.path() + "/up"); }));
    CHECK_FALSE(is_live_guard(identify(stranger)));
    CHECK_FALSE(end_guard(identify(stranger), milliseconds(0)));
    CHECK(is_alive(stranger));
    ::kill(stranger, SIGKILL);
    ::waitpid(stranger, nullptr, 0);
  }

  TEST_CASE("a guard is ended by whoever takes its task over, and by nobody else") {
    Agent agent("echo $$ >tool; exec sleep 60", std::chrono::minutes(5), "task-1");
    REQUIRE(agent.tool_started());
    CHECK_FALSE(is_live_guard(agent.guard(), "task-2"));
    CHECK_FALSE(is_live_guard(agent.guard(), "task"));
    CHECK_FALSE(end_guard(agent.guard(), milliseconds(0), "task-2"));
    CHECK(is_alive(agent.tool()));
    auto other = agent.guard();
    --other.start;  // its number was another process's before
    CHECK_FALSE(is_live_guard(other, "task-1"));
    CHECK(is_live_guard(agent.guard(), "task-1"));
    CHECK(end_guard(agent.guard(), milliseconds(5000), "task-1"));
    CHECK_FALSE(is_alive(agent.tool()));
  }

  TEST_CASE("a fence that is revoked ends the tool at once, is not renewed, and lets nothing start") {
    const base::TempDir dir("/tmp", "fence-test-");
    Fence fence;
    fence.renew(BootClock::now(), std::chrono::minutes(5));
    std::thread keeper;
    Spec spec = shell("trap 'echo asked; exit' TERM; echo up; while :; do sleep 0.05; done");
    spec.fence = &fence;
    spec.on_line = [&](std::string_view, bool) {
      if (keeper.joinable()) return;
      keeper = std::thread([&] {
        fence.revoke();
        fence.renew(BootClock::now(), std::chrono::minutes(5));
      });
    };
    base::NoPulse pulse;
    const Outcome outcome = run(spec, pulse);
    keeper.join();
    CHECK(outcome.end == Outcome::End::fenced);
    CHECK(outcome.out == "up\nasked\n");
    CHECK(outcome.took < std::chrono::seconds(60));
    CHECK(fence.term_at().passed());

    spec = shell("echo x >" + dir.path() + "/started");
    spec.fence = &fence;
    CHECK(run(spec, pulse).end == Outcome::End::fenced);
    CHECK_FALSE(base::exists(dir.path() + "/started"));
  }

  TEST_CASE("revoked, KILL comes as long after TERM as it does otherwise, and never later than before") {
    Fence fence;
    const auto now = BootClock::now();
    fence.renew(now, milliseconds(30'000));
    fence.revoke();
    CHECK(fence.kill_at().when() >= now + milliseconds(7'000));
    CHECK(fence.kill_at().when() < now + milliseconds(20'000));
    Fence late;
    late.renew(now - milliseconds(26'000), milliseconds(30'000));
    const auto kill_at = late.kill_at().when();
    late.revoke();
    CHECK(late.kill_at().when() == kill_at);
    Fence without_lease;
    without_lease.revoke();
    CHECK_FALSE(without_lease.kill_at().is_never());
  }

  TEST_CASE("one thread renews while another starts and ends children") {
    Fence fence;
    fence.renew(BootClock::now(), std::chrono::minutes(5));
    std::atomic<bool> done{false};
    std::thread keeper([&] {
      while (!done) {
        fence.renew(BootClock::now(), std::chrono::minutes(5));
        std::this_thread::yield();
      }
    });
    Spec spec = shell("exit 3");
    spec.fence = &fence;
    base::NoPulse pulse;
    for (int i = 0; i < 20; ++i) CHECK(run(spec, pulse).code == 3);
    done = true;
    keeper.join();
  }

  TEST_CASE("a guard on another host is not ours to end") {
    CHECK_FALSE(end_guard({"other-boot/1", 1, 1}, milliseconds(0)));
  }

  TEST_CASE("the child does not start when the guard could not be recorded") {
    const base::TempDir dir("/tmp", "fence-test-");
    ProcessId guard;
    Fence fence([&](const ProcessId& id) {
      guard = id;
      throw base::Error(base::Kind::connection_lost, "no database");
    });
    Spec spec = shell("echo x >" + dir.path() + "/started");
    spec.fence = &fence;
    base::NoPulse pulse;
    CHECK_THROWS_WITH_AS(run(spec, pulse), "no database", base::Error);
    CHECK_FALSE(is_running_here(guard));
    CHECK_FALSE(base::exists(dir.path() + "/started"));
  }

  TEST_CASE("a guard that is killed does not leave its tool behind") {
    const base::TempDir dir("/tmp", "fence-test-");
    ProcessId guard;
    Fence fence([&](const ProcessId& id) { guard = id; });
    Spec spec = shell("echo $$ >" + dir.path() + "/tool; sleep 0.3; echo up; exec sleep 60");
    spec.fence = &fence;
    spec.on_line = [&](std::string_view, bool) {
      REQUIRE(guard.pid > 0);
      ::kill(guard.pid, SIGKILL);
    };
    base::NoPulse pulse;
    CHECK(run(spec, pulse).end == Outcome::End::signalled);
    CHECK(becomes_true([&] { return !is_alive(pid_in(dir.path() + "/tool")); }));
  }
}
