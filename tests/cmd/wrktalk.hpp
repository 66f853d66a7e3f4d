// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/text.hpp"
#include "core/exec/run.hpp"

#include <cstdlib>
#include <string>
#include <vector>

namespace wrktalk::test {

/// Runs a program with nothing but PATH and `environment` around it; both streams are kept whole enough for tests.
inline exec::Outcome run(std::vector<std::string> argv, std::vector<std::string> environment = {}) {
  exec::Spec spec;
  spec.argv = std::move(argv);
  spec.environment = std::move(environment);
  const char* path = std::getenv("PATH");
  spec.environment.push_back(std::string("PATH=") + (path == nullptr ? "/usr/bin:/bin" : path));
  spec.timeout = std::chrono::seconds(30);
  spec.whole_stdout_bytes = 1024 * 1024;
  base::NoPulse pulse;
  return exec::run(spec, pulse);
}

/// The binary under test, as CTest names it.
inline std::string binary() {
  const char* path = std::getenv("WRKTALK");
  return path == nullptr ? "wrktalk" : path;
}

/// `words` are split at blanks.
inline exec::Outcome tool(const std::string& words, std::vector<std::string> environment = {}) {
  std::vector<std::string> argv = {binary()};
  for (auto& word : base::split(words, ' ')) {
    if (!word.empty()) argv.push_back(std::move(word));
  }
  return run(std::move(argv), std::move(environment));
}

}  // namespace wrktalk::test
