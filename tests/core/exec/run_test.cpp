// SPDX-License-Identifier: Apache-2.0
#include "core/exec/run.hpp"

#include "core/base/error.hpp"
#include "core/exec/background.hpp"
#include "core/exec/fence.hpp"
#include "tests/core/exec/children.hpp"

#include <algorithm>
#include <array>
#include <fcntl.h>
#include <filesystem>
#include <functional>
#include <sys/wait.h>

using namespace wrktalk;
using namespace wrktalk::exec;
using namespace wrktalk::exec::test;
using End = Outcome::End;

namespace {

/// Throws once `after` has passed, at every tick from then on.
class ThrowingPulse : public base::Pulse {
 public:
  explicit ThrowingPulse(milliseconds after) : when_(base::Deadline::in(after)) {}
  base::Deadline watch(std::vector<pollfd>&) override {
    return thrown_ == 0 ? when_ : base::Deadline::in(milliseconds(20));
  }
  void tick() override {
    if (!when_.passed()) return;
    ++thrown_;
    throw base::Error(base::Kind::cancelled, "asked to end");
  }
  int thrown() const { return thrown_; }

 private:
  base::Deadline when_;
  int thrown_ = 0;
};

Outcome run_quietly(const Spec& spec) {
  base::NoPulse pulse;
  return run(spec, pulse);
}

/// Where a descriptor of the process leads.
std::string target_of(pid_t pid, const std::string& fd) {
  std::array<char, 200> target{};
  const auto n = ::readlink(("/proc/" + std::to_string(pid) + "/fd/" + fd).c_str(), target.data(), target.size());
  return std::string(target.data(), n < 0 ? 0 : static_cast<std::size_t>(n));
}

/// What reads the stdout of the process; 0 when nobody does.
pid_t drainer_of(pid_t writer) {
  const std::string pipe = target_of(writer, "1");
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const auto pid = static_cast<pid_t>(std::atoi(entry.path().filename().c_str()));
    const auto name = base::read_file_if_exists(entry.path().string() + "/comm", 100).value_or("");
    if (name == "wrktalk-drain\n" && target_of(pid, "0") == pipe) return pid;
  }
  return 0;
}

auto descriptors_of(pid_t pid) {
  const std::filesystem::directory_iterator fds("/proc/" + std::to_string(pid) + "/fd");
  return std::distance(begin(fds), end(fds));
}

/// Both ways to run a child must look the same from outside.
void plainly_and_fenced(const std::function<void(Fence*)>& check) {
  SUBCASE("plainly") { check(nullptr); }
  SUBCASE("under a guard") {
    Fence fence;
    fence.renew(base::BootClock::now(), std::chrono::minutes(5));
    check(&fence);
  }
}

}  // namespace

TEST_SUITE("exec::run") {
  TEST_CASE("exit status, output and the way it ended are told") {
    plainly_and_fenced([](Fence* fence) {
      Spec spec = shell("echo out; echo err >&2; exit 3");
      spec.fence = fence;
      const Outcome outcome = run_quietly(spec);
      CHECK(outcome.end == End::exited);
      CHECK(outcome.code == 3);
      CHECK(outcome.out == "out\n");
      CHECK(outcome.err == "err\n");
      CHECK(outcome.describe() == "exited with status 3");
      CHECK_FALSE(outcome.good());
    });
  }

  TEST_CASE("a signal that ends the child is told") {
    plainly_and_fenced([](Fence* fence) {
      Spec spec = shell("kill -KILL $$");
      spec.fence = fence;
      const Outcome outcome = run_quietly(spec);
      CHECK(outcome.end == End::signalled);
      CHECK(outcome.code == SIGKILL);
      CHECK(outcome.describe() == "was ended by SIGKILL");
    });
  }

  TEST_CASE("bytes come out of the child as it wrote them, and what takes them may end it") {
    Spec spec = shell("printf 'a\\000b\\n\\377'");
    std::string bytes;
    spec.on_bytes = [&](std::string_view piece) { bytes += piece; };
    CHECK(run_quietly(spec).out.empty());
    CHECK(bytes == std::string("a\0b\n\xFF", 5));
    spec = shell("while :; do echo flood; done");
    spec.on_bytes = [](std::string_view) { throw base::Error(base::Kind::failed, "enough"); };
    CHECK_THROWS_WITH(run_quietly(spec), "enough");
  }

  TEST_CASE("children of a pipeline work at the same time, each with its own end") {
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    base::Fd reading(ends[0]);
    base::Fd writing(ends[1]);
    Spec first = shell("head -c 1000000 /dev/zero; exit 3");
    first.stdout_fd = writing.get();
    Background producer(first);
    writing.reset();
    Spec second = shell("wc -c");
    second.stdin_fd = reading.get();
    CHECK(run_quietly(second).out == "1000000\n");
    base::NoPulse quiet;
    CHECK(producer.wait(quiet).describe() == "exited with status 3");
  }

  TEST_CASE("a missing program is an outcome that says so") {
    plainly_and_fenced([](Fence* fence) {
      Spec spec = shell("");
      spec.fence = fence;
      for (const char* program : {"no-such-program", "/no/such/program"}) {
        spec.argv = {program};
        const Outcome outcome = run_quietly(spec);
        CHECK(outcome.end == End::not_started);
        CHECK(outcome.describe() == "could not be started: No such file or directory");
      }
      spec.argv = {"/etc/passwd"};
      CHECK(run_quietly(spec).error == "Permission denied");
    });
  }

  TEST_CASE("programs are looked up in the child's PATH, in the child's folder") {
    const base::TempDir dir("/tmp", "exec-test-");
    base::write_file(dir.path() + "/tool", "#!/bin/sh\necho found in $PWD\n", 0755);
    Spec spec;
    spec.argv = {"tool"};
    spec.environment = {"PATH=/nowhere:" + dir.path()};
    spec.directory = "/usr";
    CHECK(run_quietly(spec).out == "found in /usr\n");
  }

  TEST_CASE("the child gets exactly the environment it was given, and no terminal input") {
    plainly_and_fenced([](Fence* fence) {
      Spec spec;
      spec.argv = {"sh", "-c", "env | grep -v -e ^PWD= -e ^_= -e ^SHLVL= -e ^OLDPWD= | sort; cat"};
      spec.environment = {"PATH=/usr/bin:/bin", "ONLY=this"};
      spec.fence = fence;
      CHECK(run_quietly(spec).out == "ONLY=this\nPATH=/usr/bin:/bin\n");
    });
  }

  TEST_CASE("the child inherits no descriptor, no blocked and no ignored signal") {
    const base::Fd ours(::open("/etc/passwd", O_RDONLY));  // no O_CLOEXEC on purpose
    sigset_t blocked;
    sigset_t before;
    ::sigemptyset(&blocked);
    ::sigaddset(&blocked, SIGTERM);
    ::sigprocmask(SIG_BLOCK, &blocked, &before);
    const auto ignored = std::signal(SIGPIPE, SIG_IGN);
    plainly_and_fenced([](Fence* fence) {
      Spec spec = shell(
          "ls /proc/self/fd; grep -E '^SigBlk' /proc/self/status;"
          "grep -oE '^SigIgn|.{7}$' /proc/self/status | grep -A1 SigIgn");  // the upper two bits are the C library's
      spec.fence = fence;
      CHECK(run_quietly(spec).out == "0\n1\n2\n3\nSigBlk:\t0000000000000000\nSigIgn\n0000000\n");
    });
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    std::signal(SIGPIPE, ignored);
  }

  TEST_CASE("lines come as they are printed, as valid UTF-8, the unended last one too") {
    std::vector<std::string> lines;
    Spec spec = shell("printf 'one\\r\\n\\n\\377two\\n'; printf 'three' >&2");
    spec.on_line = [&](std::string_view line, bool is_stderr) {
      lines.push_back((is_stderr ? "err " : "out ") + std::string(line));
    };
    run_quietly(spec);
    std::sort(lines.begin(), lines.end());
    CHECK(lines == std::vector<std::string>{"err three", "out one", "out \xEF\xBF\xBDtwo"});
  }

  TEST_CASE(
      "a secret is masked in lines and in what is kept, printed in two writes, in a long line, or where the end is cut "
      "off") {
    plainly_and_fenced([](Fence* fence) {
      std::string lines;
      Spec spec = shell(
          "printf 'DB_PASSWORD=hun' >&2; sleep 0.2; printf 'ter2-and-more\\n' >&2;"
          "printf 'x%.0s' $(seq 1 20000) >&2; printf ' token=hunter2-and-more end\\n' >&2;"
          "printf 'password=%0900d\\n' 0; printf 'last'");
      spec.keep_bytes = 1000;
      spec.fence = fence;
      spec.on_line = [&](std::string_view line, bool) { lines += std::string(line) + "\n"; };
      const Outcome outcome = run_quietly(spec);
      CHECK(lines.find("hunter2") == std::string::npos);
      CHECK(lines.find("DB_PASSWORD=***\n") != std::string::npos);
      CHECK(lines.find("token=*** end\n") != std::string::npos);
      CHECK(outcome.err.find("hunter2") == std::string::npos);
      CHECK(outcome.out == "password=***\nlast");
      spec = shell("printf 'password=%01200d\\n' 0");
      spec.keep_bytes = 1000;
      spec.fence = fence;
      CHECK(run_quietly(spec).out == "password=***\n");
    });
  }

  TEST_CASE("a flood is read on, and only its end is kept") {
    plainly_and_fenced([](Fence* fence) {
      Spec spec = shell("seq 1 200000 >&2; seq 1 300000");
      spec.keep_bytes = 1000;
      spec.fence = fence;
      const Outcome outcome = run_quietly(spec);
      CHECK(outcome.good());
      CHECK(outcome.out.size() < 1100);
      CHECK(outcome.out.find("[...]\n") == 0);
      CHECK(outcome.out.rfind("300000\n") == outcome.out.size() - 7);
      CHECK(outcome.err.rfind("200000\n") == outcome.err.size() - 7);
    });
  }

  TEST_CASE("output that is to be parsed is kept whole, or refused when it is too long") {
    Spec spec = shell("seq 1 20000");
    spec.keep_bytes = 10;
    spec.whole_stdout_bytes = 1'000'000;
    CHECK(run_quietly(spec).out.size() == 108'894);
    spec.argv[2] = "yes";
    CHECK_THROWS_WITH_AS(run_quietly(spec), "it printed more than 1.0 MB", base::Error);
  }

  TEST_CASE("a child that takes too long gets TERM, and KILL when it ignores that") {
    plainly_and_fenced([](Fence* fence) {
      Spec spec = shell("trap 'echo ending; exit 0' TERM; echo started; while :; do sleep 0.05; done");
      spec.timeout = kSlower * milliseconds(400);
      spec.grace = milliseconds(5000);
      spec.fence = fence;
      Outcome outcome = run_quietly(spec);
      CHECK(outcome.end == End::timed_out);
      CHECK(outcome.out == "started\nending\n");
      CHECK(outcome.took < kSlower * milliseconds(3000));

      spec = shell("trap '' TERM; sleep 60 & sleep 60 & wait; wait");
      spec.timeout = kSlower * milliseconds(300);
      spec.fence = fence;
      outcome = run_quietly(spec);
      CHECK(outcome.end == End::timed_out);
      CHECK(outcome.took >= milliseconds(600));
      CHECK(outcome.took < kSlower * milliseconds(3000));
    });
  }

  TEST_CASE("a child that is ended takes its grandchildren with it") {
    plainly_and_fenced([](Fence* fence) {
      const base::TempDir dir("/tmp", "exec-test-");
      Spec spec = shell("trap '' TERM; sleep 60 & echo $! >" + dir.path() + "/pid; exec sleep 60");
      spec.timeout = kSlower * milliseconds(300);
      spec.fence = fence;
      run_quietly(spec);
      const pid_t grandchild = pid_in(dir.path() + "/pid");
      REQUIRE(grandchild > 0);
      CHECK(becomes_true([&] { return !is_alive(grandchild); }));
    });
  }

  TEST_CASE("a grandchild that holds the pipe does not hold us, and lives on after a good end") {
    plainly_and_fenced([](Fence* fence) {
      Spec spec = shell("sleep 60 & echo $!");
      spec.fence = fence;
      const Outcome outcome = run_quietly(spec);
      CHECK(outcome.good());
      CHECK(outcome.took < kSlower * milliseconds(3000));
      const pid_t grandchild = std::stoi(outcome.out);
      CHECK(is_alive(grandchild));
      ::kill(grandchild, SIGKILL);
    });
  }

  TEST_CASE("what a tool leaves running goes on to print, though nobody listens, and holds us no second") {
    const base::TempDir dir("/tmp", "exec-test-");
    Fence fence;
    fence.renew(base::BootClock::now(), std::chrono::minutes(5));
    // The shell itself prints, and ends when nobody reads.
    Spec spec = shell(
        "line=$(printf '%05000d' 0); (while :; do echo $line; echo x >>ticks; sleep 0.01; done) & echo $! >left; exit "
        "0");
    spec.directory = dir.path();
    spec.fence = &fence;
    SUBCASE("to both of its pipes") {}
    SUBCASE("to one") { spec.argv[2] = "exec 2>/dev/null; " + spec.argv[2]; }
    SUBCASE("from a session of its own") { spec.argv.insert(spec.argv.begin(), "setsid"); }
    const Outcome outcome = run_quietly(spec);
    CHECK(outcome.good());
    CHECK(outcome.took < milliseconds(5000));
    const pid_t left = pid_in(dir.path() + "/left");
    REQUIRE(left > 0);
    const auto ticks = [&] { return base::read_file_if_exists(dir.path() + "/ticks", 100'000).value_or("").size(); };
    const auto then = ticks();
    CHECK(becomes_true([&] { return ticks() > then + 2 * 50; }));  // more than a pipe holds
    const auto drainer = drainer_of(left);
    REQUIRE(drainer > 0);
    CHECK(::getsid(drainer) == drainer);
    CHECK(descriptors_of(drainer) == 2);
    ::kill(left, SIGKILL);
    CHECK(becomes_true([&] { return !is_alive(drainer); }));
  }

  TEST_CASE("output of a grandchild that comes just after the end is not lost") {
    plainly_and_fenced([](Fence* fence) {
      Spec spec = shell("(sleep 0.1; echo late) & echo early");
      spec.fence = fence;
      CHECK(run_quietly(spec).out == "early\nlate\n");
    });
  }

  TEST_CASE("when the pulse throws, the child is ended in order and the error passes") {
    plainly_and_fenced([](Fence* fence) {
      const base::TempDir dir("/tmp", "exec-test-");
      Spec spec =
          shell("trap 'echo x >" + dir.path() + "/ended; sleep 0.2; exit 0' TERM; while :; do sleep 0.05; done");
      spec.fence = fence;
      spec.grace = milliseconds(5000);
      ThrowingPulse pulse(kSlower * milliseconds(300));
      CHECK_THROWS_WITH_AS(run(spec, pulse), "asked to end", base::Error);
      CHECK(base::exists(dir.path() + "/ended"));
      CHECK(pulse.thrown() > 1);  // it went on ticking
    });
  }

  TEST_CASE("what a line's receiver throws ends the child and passes") {
    Spec spec = shell("echo now; sleep 60");
    spec.on_line = [](std::string_view, bool) { throw base::Error(base::Kind::failed, "no more"); };
    CHECK_THROWS_WITH_AS(run_quietly(spec), "no more", base::Error);
  }

  TEST_CASE("no zombie is left behind") {
    CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
    CHECK(errno == ECHILD);
  }
}
