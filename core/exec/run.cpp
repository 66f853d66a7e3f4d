// SPDX-License-Identifier: Apache-2.0
#include "core/exec/run.hpp"

#include "core/base/deadline.hpp"
#include "core/base/text.hpp"
#include "core/exec/background.hpp"
#include "core/exec/child.hpp"
#include "core/exec/stream.hpp"

#include <cerrno>
#include <cstring>
#include <exception>
#include <poll.h>
#include <system_error>
#include <unistd.h>

namespace wrktalk::exec {
namespace {

using base::BootClock;
using base::Deadline;

constexpr std::chrono::seconds kDrain{1};
constexpr std::chrono::milliseconds kQuiet{250};

Stream::OnLine line_sink(const Spec& spec, bool is_stderr) {
  if (!spec.on_line) return {};
  return [&spec, is_stderr](std::string_view line) { spec.on_line(line, is_stderr); };
}

/// One run: waits on the child, its output and the pulse, and ends the child when one of them says so.
class Run {
 public:
  Run(const Spec& spec, Child& child, base::Pulse& pulse)
      : spec_(spec),
        child_(child),
        pulse_(pulse),
        out_(child.out(), spec.keep_bytes, spec.whole_stdout_bytes, line_sink(spec, false), spec.on_bytes),
        err_(child.err(), spec.keep_bytes, 0, line_sink(spec, true)) {}

  /// What fails leaves the input open: an end of it would say that this was all.
  void feed() {
    keep_first_failure([&] {
      spec_.input([this](std::string_view bytes) { return hand_over(bytes); });
      child_.end_input();
    });
  }

  void until_ended() {
    Deadline kill = Deadline::never();
    while (!ended_) {
      if (!stopping_ && (failure_ || term_.passed())) {
        stopping_ = true;
        timed_out_ = !failure_;
        term_ = Deadline::never();
        kill = Deadline::in(spec_.grace);
        child_.ask_to_end();
      } else if (kill.passed()) {
        kill = Deadline::never();
        child_.force_to_end();
      }
      // What is thrown meanwhile ends the child first. A result that is there already is not thrown away.
      keep_first_failure([&] {
        std::vector<pollfd> fds;
        const Deadline tick = pulse_.watch(fds);
        wait(std::move(fds), sooner(tick, sooner(term_, kill)));
        if (!ended_) pulse_.tick();
      });
    }
  }

  /// Sets everything but `took`; throws what ended the child.
  void finish(Outcome& outcome) {
    child_.reap(stopping_, outcome);
    const Deadline drained = Deadline::in(kDrain);
    keep_first_failure([&] {
      // What it printed itself is there already; what it started may be a moment behind.
      while ((out_.is_open() || err_.is_open()) && !drained.passed() && wait({}, Deadline::in(kQuiet))) {
      }
      out_.finish();
      err_.finish();
    });
    if (failure_) std::rethrow_exception(failure_);
    if (timed_out_ && outcome.end != Outcome::End::fenced) outcome.end = Outcome::End::timed_out;
    outcome.out = out_.text();
    outcome.err = err_.text();
  }

 private:
  template <typename Act>
  void keep_first_failure(Act act) {
    try {
      act();
    } catch (...) {
      if (!failure_) failure_ = std::current_exception();
    }
  }

  Deadline time_limit() const { return spec_.timeout.count() > 0 ? Deadline::in(spec_.timeout) : Deadline::never(); }

  bool hand_over(std::string_view bytes) {
    while (!bytes.empty()) {
      if (ended_ || term_.passed()) return false;
      const ssize_t taken = ::write(child_.in(), bytes.data(), bytes.size());
      if (taken > 0) {
        bytes.remove_prefix(static_cast<std::size_t>(taken));
        term_ = time_limit();
        continue;
      }
      if (errno == EINTR) continue;
      if (errno != EAGAIN) return false;
      std::vector<pollfd> fds;
      const Deadline tick = pulse_.watch(fds);
      fds.push_back({child_.in(), POLLOUT, 0});
      wait(std::move(fds), sooner(tick, term_));
      pulse_.tick();
    }
    pulse_.tick();
    return true;
  }

  /// Sets `ended_` when the child has ended; its pipes may still hold something then. False when nothing happened.
  bool wait(std::vector<pollfd> fds, Deadline until) {
    const std::size_t first = fds.size();
    fds.push_back({out_.fd(), POLLIN, 0});
    fds.push_back({err_.fd(), POLLIN, 0});
    fds.push_back({ended_ ? -1 : child_.process(), POLLIN, 0});
    if (::poll(fds.data(), fds.size(), until.poll_timeout()) <= 0) return false;
    ended_ = ended_ || fds[first + 2].revents != 0;
    if (fds[first].revents != 0) out_.read();
    if (fds[first + 1].revents != 0) err_.read();
    return true;
  }

  const Spec& spec_;
  Child& child_;
  base::Pulse& pulse_;
  Stream out_;
  Stream err_;
  Deadline term_ = time_limit();
  bool ended_ = false;
  bool stopping_ = false;
  bool timed_out_ = false;
  std::exception_ptr failure_;
};

}  // namespace

Background::Background(Spec spec)
    : spec_(std::move(spec)), started_(BootClock::now()), child_(spec_), error_(child_.start(spec_)) {}

Outcome Background::wait(base::Pulse& pulse) {
  Outcome outcome;
  if (error_ != 0) {
    outcome.error = std::generic_category().message(error_);
    return outcome;
  }
  Run run(spec_, child_, pulse);
  if (spec_.input) run.feed();
  run.until_ended();
  run.finish(outcome);
  outcome.took = std::chrono::duration_cast<std::chrono::milliseconds>(BootClock::now() - started_);
  return outcome;
}

Outcome run(const Spec& spec, base::Pulse& pulse) { return Background(spec).wait(pulse); }

std::string Outcome::describe() const {
  switch (end) {
    case End::exited: return "exited with status " + std::to_string(code);
    case End::signalled: {
      const char* name = ::sigabbrev_np(code);
      return "was ended by " + (name != nullptr ? "SIG" + std::string(name) : "signal " + std::to_string(code));
    }
    case End::timed_out: return "ran out of time after " + base::human_duration(took);
    case End::fenced: return "was ended because the lease was not renewed in time";
    case End::not_started: return "could not be started: " + error;
  }
  return {};
}

}  // namespace wrktalk::exec
