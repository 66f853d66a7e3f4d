// SPDX-License-Identifier: Apache-2.0
#include "core/db/blocking_call.hpp"

#include "core/base/error.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace wrktalk;
using namespace std::chrono_literals;
using base::Deadline;
using db::BlockingCall;

namespace {

/// Something to hang on until it is opened.
struct Gate {
  base::Fd fd{::eventfd(0, EFD_CLOEXEC)};
  void pass() const {
    eventfd_t ignored = 0;
    ::eventfd_read(fd.get(), &ignored);
  }
  void open() const { ::eventfd_write(fd.get(), 1); }
};

constexpr int kExitCode = 7;

struct TripsOverOthers {
  ~TripsOverOthers() { ::_exit(kExitCode + 1); }
};

}  // namespace

TEST_SUITE("db::BlockingCall") {
  TEST_CASE("the result is there once it has ended") {
    const auto result = std::make_shared<int>(0);
    const BlockingCall call([result] { *result = 42; });
    REQUIRE(call.wait(Deadline::in(30s), -1) == BlockingCall::End::ended);
    CHECK(*result == 42);
    CHECK(result.use_count() == 1);
  }

  TEST_CASE("a call that hangs is late, and a signal ends the wait") {
    const auto gate = std::make_shared<Gate>();
    const base::Fd signal(::eventfd(1, EFD_CLOEXEC));
    const BlockingCall call([gate] { gate->pass(); });
    CHECK(call.wait(Deadline::in(20ms), -1) == BlockingCall::End::late);
    CHECK(call.wait(Deadline::in(30s), signal.get()) == BlockingCall::End::interrupted);
    gate->open();
    CHECK(call.wait(Deadline::in(30s), -1) == BlockingCall::End::ended);
  }

  TEST_CASE("what a call that was left behind makes is destroyed by it") {
    const auto gate = std::make_shared<Gate>();
    const auto destroyed = std::make_shared<Gate>();
    struct Made {
      std::shared_ptr<Gate> destroyed;
      ~Made() { destroyed->open(); }
    };
    {
      const auto made = std::make_shared<std::unique_ptr<Made>>();
      const BlockingCall call([=] {
        gate->pass();
        *made = std::make_unique<Made>(Made{destroyed});
      });
    }
    gate->open();
    CHECK_NOTHROW(destroyed->pass());  // waits for it
  }

  TEST_CASE("no more of them than can be afforded hang at once") {
    const auto gate = std::make_shared<Gate>();
    int started = 0;
    try {
      for (; started < 1000; ++started) BlockingCall([gate] { gate->pass(), gate->open(); });
      FAIL("no error");
    } catch (const base::Error& e) {
      CHECK(e.kind() == base::Kind::connection_lost);
      CHECK(started >= 16);
    }
    gate->open();
    const auto deadline = Deadline::in(30s);
    for (bool free = false; !free && !deadline.passed();) {
      try {
        BlockingCall([] {});
        free = true;
      } catch (const base::Error&) {
        ::usleep(1000);
      }
    }
    CHECK_FALSE(deadline.passed());
  }

  TEST_CASE("exits with a call left behind" * doctest::skip()) {
    // Run by the next case in a process of its own.
    static const TripsOverOthers before;
    {
      BlockingCall call([] { Gate().pass(); });
    }
    std::exit(kExitCode);
  }

  TEST_CASE("a call that was left behind neither holds up the exit nor meets destructors") {
    const char* args[] = {"db_test", "-tc=exits with a call left behind", "--no-skip", nullptr};
    pid_t pid = 0;
    REQUIRE(::posix_spawn(&pid, "/proc/self/exe", nullptr, nullptr, const_cast<char**>(args), environ) == 0);
    int status = 0;
    REQUIRE(::waitpid(pid, &status, 0) == pid);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == kExitCode);
  }
}
