// SPDX-License-Identifier: Apache-2.0
#include "core/base/files.hpp"
#include "core/deploy/deployer.hpp"
#include "core/deploy/kinds.hpp"
#include "core/deploy/tools.hpp"
#include "core/exec/spawn.hpp"

#include <algorithm>
#include <unistd.h>

namespace wrktalk::deploy {
namespace {

bool can_be_run(const std::string& program) {
  int error = 0;
  const std::string path = exec::find_program(program, allowed_environment({"PATH"}, {}), error);
  return !path.empty() && ::access(path.c_str(), X_OK) == 0;
}

/// Whether the folder can be written to, or be made.
bool can_be_written(std::string folder) {
  while (!base::exists(folder) && folder.find('/') != std::string::npos && folder != "/") {
    folder.resize(std::max<std::size_t>(folder.rfind('/'), 1));
  }
  return ::access(folder.c_str(), W_OK | X_OK) == 0;
}

}  // namespace

std::vector<std::string> missing_prerequisites(const Target& target, const Settings& settings) {
  const KindRow& row = row_of(target.kind);
  std::vector<std::string> out;
  for (const auto& program : row.programs(settings)) {
    if (program.empty() || can_be_run(program)) continue;
    out.push_back(target.name + ": the program " + program + " is not there or cannot be run");
  }
  const std::string folder = row.folder(target, settings);
  if (!folder.empty() && !can_be_written(folder))
    out.push_back(target.name + ": the folder " + folder + " cannot be written to");
  return out;
}

}  // namespace wrktalk::deploy
