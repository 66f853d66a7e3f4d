// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cmd/app.hpp"
#include "core/artifact/artifact.hpp"
#include "core/images/usage.hpp"

#include <nlohmann/json.hpp>

#include <optional>
#include <string>

/// What the subcommands of `release` share.
namespace wrktalk::cmd {

/// One stored release, as the user names it.
struct PickOptions {
  std::string version;
  std::optional<std::string> type;
};

void add_type(CLI::App& sub, std::optional<std::string>& type, const char* help);
void add_pick(CLI::App& sub, PickOptions& pick);

/// "1.4.2 (helm)".
std::string named(const artifact::Artifact& artifact);
nlohmann::ordered_json to_json(const artifact::Artifact& artifact);
nlohmann::ordered_json to_json(const artifact::Artifact& artifact, const images::Usage& usage);

void add_release_add(CLI::App& release, Selected& chosen);
void add_release_images(CLI::App& release, Selected& chosen);

}  // namespace wrktalk::cmd
