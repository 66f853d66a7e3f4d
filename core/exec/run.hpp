// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/pulse.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

/// One child program at a time, never through a shell.
namespace wrktalk::exec {

class Fence;

/// Hands bytes to the child and waits until it has taken them; drives the pulse and reads what the child prints meanwhile. False when
/// the child takes no more: it has ended, closed its stdin, or run out of time. Passes what the pulse throws.
using Feed = std::function<bool(std::string_view bytes)>;

/// What to run and how long it may take.
struct Spec {
  std::vector<std::string> argv;         ///< argv[0] is a path, or a name looked up in `environment`'s PATH
  std::vector<std::string> environment;  ///< "NAME=value", all the child gets
  std::string directory;                 ///< working folder; empty: ours

  int stdin_fd = -1;  ///< what the child reads, duplicated; -1: /dev/null
  /// Instead of `stdin_fd`: called once, when the child runs, to feed it; its return is the end of the input. What it throws ends the
  /// child before the child could take what came so far for the whole, and passes. `timeout` begins anew with all that the child takes.
  std::function<void(const Feed& feed)> input;
  int stdout_fd = -1;  ///< where it writes, duplicated; -1: to us, as below. Not together with a fence

  std::chrono::milliseconds timeout{0};  ///< zero: none. When it passes the group gets TERM, after `grace` KILL
  std::chrono::milliseconds grace{10'000};

  std::size_t keep_bytes = 64 * 1024;  ///< the last bytes of each stream that `Outcome` keeps
  /// stdout is kept whole up to this size instead, for output that is parsed; more than that is an error. Zero: no.
  std::size_t whole_stdout_bytes = 0;

  /// Each line as it comes, redacted, without its end; a very long one in pieces of about 64 KiB. May be empty.
  std::function<void(std::string_view line, bool is_stderr)> on_line;

  /// stdout as it comes, byte for byte: then nothing of it is kept or told as lines. What it throws ends the child.
  std::function<void(std::string_view bytes)> on_bytes;

  /// When set the child runs under the guard (a process of this binary, between us and the child), which ends the child
  /// and all that descends from it when the fence is not renewed in time. Must outlive the run.
  Fence* fence = nullptr;
};

struct Outcome {
  enum class End { exited, signalled, timed_out, fenced, not_started };
  End end = End::not_started;
  int code = 0;       ///< exit status, or the signal's number
  std::string out;    ///< stdout: whole as it was printed, or the last `keep_bytes`, redacted
  std::string err;    ///< stderr: the last `keep_bytes`, redacted
  std::string error;  ///< not_started: why ("No such file or directory")
  std::chrono::milliseconds took{0};

  bool good() const noexcept { return end == End::exited && code == 0; }
  /// "exited with status 3", "was ended by SIGKILL", "ran out of time after 10 min", "could not be started: ...".
  std::string describe() const;
};

/// Runs the child in a process group of its own and waits for it, driving `pulse`. When the pulse throws, the group gets TERM,
/// after `grace` KILL (the pulse is ticked meanwhile), everything is reaped, and the error passes.
/// A grandchild that keeps the pipe open after the child's end is not waited for longer than a second, and not when it is silent.
/// Throws Error(child) when `whole_stdout_bytes` is exceeded; a missing program is an Outcome.
Outcome run(const Spec& spec, base::Pulse& pulse);

}  // namespace wrktalk::exec
