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

/// The manifest of a release that is to be stored, as JSON: the one in the file `apart`, else the archive's own; nothing when there is none or it says nothing.
std::optional<std::string> manifest_json(const artifact::CheckedFile& file, const std::optional<std::string>& apart,
                                         const std::string& version, const Env& env, base::Pulse& pulse);
/// A stored release's manifest as TOML; empty without one.
std::string manifest_text(const artifact::Artifact& artifact);
/// Whether the release's archive or tree, which lies at `place`, has in it what the stored manifest says.
bool holds_its_manifest(const artifact::Artifact& artifact, const std::string& place, const Env& env,
                        base::Pulse& pulse);

void add_release_add(CLI::App& release, Selected& chosen);
void add_release_init(CLI::App& release, Selected& chosen);
void add_release_lint(CLI::App& release, Selected& chosen);
void add_release_images(CLI::App& release, Selected& chosen);

}  // namespace wrktalk::cmd
