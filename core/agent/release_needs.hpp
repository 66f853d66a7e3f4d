// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/artifact/artifact.hpp"
#include "core/artifact/requirement.hpp"
#include "core/base/pulse.hpp"
#include "core/db/raw.hpp"
#include "core/deploy/deployer.hpp"
#include "core/release_manifest/manifest.hpp"

#include <string>
#include <vector>

/// What a release's manifest asks for, compared with what is there.
namespace wrktalk::agent {

/// The manifest that is stored with the release; an empty one when there is none. Throws Error(artifact) when the release wants a newer agent than this, or
/// something that this program does not do.
release_manifest::Manifest manifest_of(const artifact::Artifact& artifact);

/// The schema versions that the release runs with: those that were given when it was stored, and its manifest's. All of them count.
std::vector<artifact::Requirement> requirements_of(const artifact::Artifact& artifact);

/// Whether the release may be deployed over what runs.
struct WayUp {
  std::string problem;  ///< why not; empty: it may
  std::string hint;     ///< names the way through stored releases where there is one
  std::vector<std::string>
      stops;  ///< the ids of the stored releases to deploy one after the other, the release itself last; empty without a way
};

/// Whether `artifact` may be deployed where `seen` runs, by the `upgrade-from` of its manifest, and the shortest way through stored releases when not. A first
/// installation, a redeployment and a way back to an older release always may.
WayUp way_up(db::raw::Connection& db, const artifact::Artifact& artifact, const deploy::Before& seen,
             base::Pulse& pulse);

/// Those of `required` that have no value, or an empty one, in what the deployment will use: the env file with what the site sets, or for a chart the
/// values files one over the other, where "a.b" is b in a. `release` is as `Site::add_to` left it.
std::vector<std::string> missing_settings(const deploy::Release& release, const std::vector<std::string>& required);

/// "release 2.0 needs values for DOMAIN, DB_PASSWORD, and nothing gives them", and what to do about it.
std::string missing_settings_text(const artifact::Artifact& artifact, const std::vector<std::string>& missing);
extern const char* const kMissingSettingsHint;

}  // namespace wrktalk::agent
