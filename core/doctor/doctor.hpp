// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/agent/settings.hpp"
#include "core/base/pulse.hpp"
#include "core/db/settings.hpp"

#include <chrono>
#include <functional>
#include <string>
#include <vector>

/// Looks at all that a set-up needs before it is needed. Changes nothing.
namespace wrktalk::doctor {

/// In the order of their weight.
enum class Severity {
  good,
  note,     ///< worth to know, nothing to do
  warning,  ///< works, and will or may not for long
  error,    ///< something that this set-up is for cannot work
};
/// "ok", "note", "warning", "error".
const char* to_text(Severity severity) noexcept;

struct Finding {
  std::string check;  ///< the check's name
  Severity severity = Severity::good;
  std::string text;  ///< one line
  std::string hint;  ///< what to do; may be empty
};

/// What is looked at, as the command line and the settings say it.
struct Site {
  agent::Settings agent;  ///< as configured; need not be ready
  db::ConnectionSettings database;
  db::ConnectionSettings checkpoint_database;
  std::vector<std::string>
      remarks{};           ///< on the settings, a sentence each: unknown variables, files that others may read
  std::string backup_dir;  ///< empty: backups are not looked at
};

struct Options {
  std::vector<std::string> only{};          ///< names of checks; empty: all
  std::chrono::milliseconds limit{10'000};  ///< for each check
};

struct CheckName {
  const char* name;
  const char* what;  ///< for --help
};
/// In the order in which they run.
std::vector<CheckName> checks();

/// Runs the checks one after the other; each finding is told at once. A check that fails to look is an error of its own, and the next one runs. Throws
/// Error(usage) for a name that is no check's, and what the pulse throws.
std::vector<Finding> examine(const Site& site, const Options& options, base::Pulse& pulse,
                             const std::function<void(const Finding&)>& tell);

/// The worst of them; `good` when there is none.
Severity worst(const std::vector<Finding>& findings) noexcept;

}  // namespace wrktalk::doctor
