// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/agent/settings.hpp"
#include "core/artifact/artifact.hpp"
#include "core/base/files.hpp"
#include "core/base/pulse.hpp"
#include "core/base/secret.hpp"
#include "core/db/raw.hpp"

#include <string>
#include <vector>

/// Where env and values files of a release lie while a task runs.
namespace wrktalk::agent {

/// A private folder that names this process: removed with its owner, swept at the next start when we were killed.
/// Throws Error(configuration) when another user could exchange its parent.
base::TempDir make_secrets_dir(const Settings& settings);

/// Wipes what killed processes of this user left; nothing where another user could exchange the folder.
void sweep_secrets_dirs(const Settings& settings) noexcept;

/// The values of the release's env and values files that are to be masked: none when there is no such release.
std::vector<base::Secret> secrets_of(db::raw::Connection& db, const std::string& artifact_id,
                                     const std::vector<std::string>& public_words, base::Pulse& pulse);

/// The release whose tree lies at `tree`, its env and values files written into `secrets` (0600).
deploy::Release release_with_secrets(db::raw::Connection& db, const artifact::Artifact& artifact,
                                     const std::string& tree, const base::TempDir& secrets, base::Pulse& pulse);

}  // namespace wrktalk::agent
