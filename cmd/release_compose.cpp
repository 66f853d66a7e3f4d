// SPDX-License-Identifier: Apache-2.0
#include "cmd/release_compose.hpp"

#include "core/agent/settings.hpp"
#include "core/base/error.hpp"
#include "core/deploy/compose_tool.hpp"
#include "core/deploy/compose_trial.hpp"

namespace wrktalk::cmd {
namespace {

/// An archive, for judging its compose files as `deploy` does.
class ArchiveFiles : public deploy::compose::Files {
 public:
  ArchiveFiles(const artifact::CheckedFile& file, const artifact::Limits& limits, base::Pulse& pulse)
      : file_(file), limits_(limits), pulse_(pulse) {}

  std::map<std::string, std::string> read(const std::set<std::string>& names) override {
    return artifact::read_files(file_, names, deploy::compose::kLargestFile, limits_, pulse_);
  }

 private:
  const artifact::CheckedFile& file_;
  const artifact::Limits& limits_;
  base::Pulse& pulse_;
};

}  // namespace

JudgedBundle judge_bundle(const artifact::CheckedFile& file, const std::optional<std::string>& site_env,
                          const std::optional<std::string>& env_name, Images images, const Env& env,
                          base::Pulse& pulse) {
  deploy::Settings settings;
  settings.compose_bin = env.settings.agent.deploy.compose_bin;
  settings.policy = env.settings.agent.deploy.policy;
  const auto limits = env.settings.agent.limits;
  ArchiveFiles files(file, limits, pulse);
  deploy::compose::SiteInputs site;
  site.env = site_env;
  if (env_name) site.env_name = *env_name;
  site.passed_variables = deploy::compose_variables(settings);
  JudgedBundle out{deploy::compose::judge_inputs(files, file.compose_file(), site, settings.policy), {}, false};
  if (!out.judged.unused.empty()) {
    throw base::Error(base::Kind::artifact, out.judged.unused.front(),
                      "put what it says into " + file.compose_file() + ", or leave it out of the archive");
  }
  out.was_tried = deploy::compose::try_compose(out.judged, file.compose_file(), site, settings, pulse,
                                               images == Images::listed ? &out.images : nullptr);
  return out;
}

}  // namespace wrktalk::cmd
