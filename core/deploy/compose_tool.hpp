// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/pulse.hpp"
#include "core/deploy/env_file.hpp"
#include "core/deploy/tools.hpp"

#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace wrktalk::deploy {

/// What compose is pointed to.
struct ComposeSource {
  std::vector<std::string> files;
  std::string directory;  ///< paths in them begin here; empty: where the first file lies
  std::vector<std::string> environment_files;
  bool all_profiles = false;       ///< `config` alone: also the services whose profile is off
  bool links_environment = false;  ///< a release of ours: its `.env` is there while compose reads, and only then
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
  static ComposeSource source_of(const Release& release);
  /// `config`: what compose makes of its files, when it takes them. As JSON, or YAML where compose knows no other.
  exec::Outcome config(const ComposeSource& source, base::Pulse& pulse) const;
  bool prints_json() const noexcept { return prints_json_; }

  struct Up {
    /// What is built on this machine, anew: an image of the same name may be an older release's.
    bool build = false;
    /// Also what compose takes for unchanged: it does not see that a file which a container mounts was replaced.
    bool recreate_all = false;
    std::map<std::string, long> counts{};  ///< service: how many containers, where more than one
    std::vector<std::string> services{};   ///< only these, also when their profile is off; empty: what the files say
  };
  exec::Outcome up(const ComposeSource& source, const Up& up, base::Pulse& pulse) const;

 private:
  using Args = std::vector<std::string>;
  Args command(const ComposeSource& source, const Args& words) const;
  env::Dialect dialect() const noexcept { return prints_json_ ? env::Dialect::compose_v2 : env::Dialect::compose_v1; }

  const Tools& tools_;
  std::string project_;
  std::string configured_;
  std::chrono::milliseconds timeout_;
  Args found_;
  bool prints_json_ = true;
};

/// Patterns of names: what compose and docker may see of our environment, besides what every tool may.
std::vector<std::string> compose_variables(const Settings& settings);
/// What they see of it.
std::vector<std::string> compose_environment(const Settings& settings);

}  // namespace wrktalk::deploy
