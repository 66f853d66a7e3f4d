// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/deadline.hpp"
#include "core/base/files.hpp"
#include "core/exec/run.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <csignal>
#include <functional>
#include <string>
#include <thread>
#include <unistd.h>

/// Children that misbehave on order, and waiting for what they do.
namespace wrktalk::exec::test {

using std::chrono::milliseconds;

/// How much longer a program takes to start with a sanitizer that slows it down.
#ifdef __SANITIZE_THREAD__
constexpr int kSlower = 10;
#else
constexpr int kSlower = 1;
#endif

inline Spec shell(const std::string& script) {
  Spec spec;
  spec.argv = {"sh", "-c", script};
  spec.environment = {"PATH=/usr/bin:/bin"};
  spec.grace = milliseconds(300);
  return spec;
}

inline bool becomes_true(const std::function<bool()>& condition, milliseconds within = milliseconds(5000)) {
  const auto deadline = base::Deadline::in(within);
  while (!condition()) {
    if (deadline.passed()) return false;
    std::this_thread::sleep_for(milliseconds(5));
  }
  return true;
}

inline pid_t pid_in(const std::string& file) {
  const std::string text = base::read_file_if_exists(file, 100).value_or("");
  return text.empty() || text.back() != '\n' ? 0 : std::stoi(text);
}

inline bool is_alive(pid_t pid) {
  const auto stat = base::read_file_if_exists("/proc/" + std::to_string(pid) + "/stat", 4096);
  return stat && stat->find(") Z ") == std::string::npos;
}

/// A script's line that starts `command` out of reach of its parent: a session of its own, an orphan at once.
inline std::string apart(const std::string& command) { return "setsid sh -c '(" + command + ") &' \n"; }

}  // namespace wrktalk::exec::test
