// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/pulse.hpp"
#include "core/deploy/tools.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace wrktalk::deploy {

/// What decides how images are loaded into an engine.
struct EngineFacts {
  std::string platform;    ///< "linux/amd64"
  bool knows_zstd = true;  ///< it takes layers packed by zstd
  std::string root;        ///< DockerRootDir; empty when the engine runs on another machine, or does not tell
};

/// Throws EngineAway.
EngineFacts engine_facts(const Tools& tools, base::Pulse& pulse);

/// Of the answers to `docker version` and `docker info` (kInfoFormat). Pure.
EngineFacts engine_facts_of(const std::string& platform, const std::string& info);
extern const char* const kInfoFormat;

/// The layers of each image that the engine has, unpacked digests from the base up. Throws EngineAway.
std::vector<std::vector<std::string>> layers_on_engine(const Tools& tools, base::Pulse& pulse);

/// How many of `diff_ids`, from the base up, an image of the engine begins with.
std::size_t present_layers(const std::vector<std::string>& diff_ids,
                           const std::vector<std::vector<std::string>>& on_engine);

/// Bytes that may be written below a folder of this machine; nothing when it is not here.
std::optional<std::int64_t> free_bytes(const std::string& folder);

}  // namespace wrktalk::deploy
