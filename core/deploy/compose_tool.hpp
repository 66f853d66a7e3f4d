// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/pulse.hpp"
#include "core/deploy/tools.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace wrktalk::deploy {

/// What compose is pointed to.
struct ComposeSource {
  std::vector<std::string> files;
  std::string directory;  ///< paths in them begin here; empty: where the first file lies
  std::vector<std::string> environment_files;
};

/// compose as a program: v2 or 1.29, told what both understand. `tools` must outlive it. `find` comes before the rest, which throws
/// Error(artifact) for a release without a compose file.
class ComposeTool {
 public:
  ComposeTool(const Tools& tools, const Settings& settings, std::string project);

  /// The configured program, else the plugin, else the older one; once. Throws Error(configuration).
  void find(base::Pulse& pulse);

  /// The release's compose file.
  static std::string file_of(const Release& release);
  /// `config`: what compose makes of the release's files, when it takes them. As JSON, or YAML where compose knows no other.
  exec::Outcome config(const Release& release, base::Pulse& pulse) const;
  bool prints_json() const noexcept { return prints_json_; }
  /// The services' names; none when compose refuses the files.
  std::vector<std::string> services(const ComposeSource& source, base::Pulse& pulse) const;

  /// `all`: also what compose takes for unchanged. It does not see that a file which a container mounts was replaced.
  enum class Recreate { changed, all };
  exec::Outcome up(const Release& release, Recreate recreate, base::Pulse& pulse) const;
  exec::Outcome up(const ComposeSource& source, Recreate recreate, base::Pulse& pulse) const;

 private:
  using Args = std::vector<std::string>;
  Args command(const ComposeSource& source, const Args& words) const;

  const Tools& tools_;
  std::string project_;
  std::string configured_;
  std::chrono::milliseconds timeout_;
  Args found_;
  bool prints_json_ = true;
};

/// What compose and docker may see of our environment.
std::vector<std::string> compose_environment(const Settings& settings);

}  // namespace wrktalk::deploy
