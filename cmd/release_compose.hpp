// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cmd/app.hpp"
#include "core/artifact/artifact.hpp"
#include "core/deploy/compose_inputs.hpp"

#include <optional>
#include <string>
#include <vector>

namespace wrktalk::cmd {

/// A compose bundle, read as a deployment would.
struct JudgedBundle {
  deploy::compose::Judgement judged;
  std::vector<std::string> images;  ///< that its services run or mount, when compose has read it
  bool was_tried = false;           ///< compose is on this machine, and has read it, too
};

/// Whether the images that a release names are wanted.
enum class Images { listed, ignored };

/// `site_env`: the text that is stored with it, called `env_name` in messages. Throws Error(artifact) for what a deployment would refuse.
JudgedBundle judge_bundle(const artifact::CheckedFile& file, const std::optional<std::string>& site_env,
                          const std::optional<std::string>& env_name, Images images, const Env& env,
                          base::Pulse& pulse);

}  // namespace wrktalk::cmd
