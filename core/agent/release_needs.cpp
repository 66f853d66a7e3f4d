// SPDX-License-Identifier: Apache-2.0
#include "core/agent/release_needs.hpp"

#include "core/base/error.hpp"
#include "core/base/files.hpp"
#include "core/base/text.hpp"
#include "core/deploy/env_file.hpp"
#include "core/release_manifest/way_up.hpp"
#include "core/yaml/document.hpp"

#include <algorithm>
#include <iterator>

namespace wrktalk::agent {

const char* const kMissingSettingsHint =
    "set them for this site: wrktalk site set NAME=VALUE; or store the release with them, under a version of its own";

namespace {

using base::Error;
using base::Kind;
using release_manifest::Manifest;
using release_manifest::Stop;
using State = deploy::Before::State;

/// What is stored as an env or a values file is smaller.
constexpr std::size_t kLargestFile = 16 * 1024 * 1024;

/// What its upgrade-from says. One whose manifest cannot be read is no stop on any way.
std::optional<Stop> stop_of(const artifact::Artifact& artifact) {
  Stop stop{artifact.version};
  try {
    stop.from = manifest_of(artifact).upgrade_from;
  } catch (const Error& e) {
    if (e.kind() != Kind::artifact) throw;
    return std::nullopt;
  }
  return stop;
}

bool has_value(const yaml::Node& root, const std::string& name) {
  const yaml::Node* node = &root;
  for (const auto& part : base::split(name, '.')) {
    const auto values = node->is_mapping() ? node->values(part) : std::vector<const yaml::Node*>{};
    if (values.empty()) return false;
    node = values.back();
  }
  return !node->is_null() && !(node->is_scalar() && node->text.empty());
}

}  // namespace

Manifest manifest_of(const artifact::Artifact& artifact) {
  if (artifact.manifest.empty()) return {};
  const auto wanted = release_manifest::min_agent_of(artifact.manifest);
  if (wanted && release_manifest::is_ordered(*wanted) &&
      release_manifest::compare_versions(WRKTALK_VERSION, *wanted) < 0) {
    throw Error(Kind::artifact,
                "release " + artifact.version + " needs wrktalk " + *wanted + " or newer, and this is " WRKTALK_VERSION,
                "install that wrktalk where the agent runs, then deploy again");
  }
  release_manifest::Reading reading;
  reading.chart_type = artifact.chart_type;
  return release_manifest::from_json(artifact.manifest, "the manifest of release " + artifact.version, reading);
}

std::vector<artifact::Requirement> requirements_of(const artifact::Artifact& artifact) {
  std::vector<artifact::Requirement> all;
  if (!artifact.requires_schema.empty()) all = artifact::parse_requirements(artifact.requires_schema);
  for (const auto& text : manifest_of(artifact).requires_schema) {
    for (auto& one : artifact::parse_requirements(text)) all.push_back(std::move(one));
  }
  return all;
}

WayUp way_up(db::raw::Connection& db, const artifact::Artifact& artifact, const deploy::Before& seen,
             base::Pulse& pulse) {
  const Manifest manifest = manifest_of(artifact);
  const WayUp direct{{}, {}, {artifact.id}};
  if (!manifest.upgrade_from || seen.state == State::nothing) return direct;
  const std::string takes =
      "release " + artifact.version + " is an upgrade of " + manifest.upgrade_from->text() + ", and ";
  if (!seen.version || !release_manifest::is_ordered(*seen.version)) {
    return {takes + (seen.version ? "the version that runs there, " + base::one_line(*seen.version) +
                                        ", has no place in the order"
                                  : "it cannot be told which version runs there: " + seen.detail),
            "deploy a stored release first that it can be an upgrade of",
            {}};
  }
  const std::string& running = *seen.version;
  if (manifest.upgrade_from->holds(running) || release_manifest::compare_versions(running, artifact.version) >= 0)
    return direct;
  std::vector<Stop> stored;
  std::vector<artifact::Artifact> known = {artifact};
  for (auto& one : artifact::list(db, pulse)) {
    if (one.chart_type != artifact.chart_type) continue;
    const auto stop = stop_of(one);
    if (!stop) continue;
    stored.push_back(*stop);
    known.push_back(std::move(one));
  }
  const Stop goal{artifact.version, manifest.upgrade_from};
  const auto way = release_manifest::way_up(running, goal, stored);
  WayUp out{takes + running + " runs there", {}, {}};
  if (way.empty()) {
    out.hint = "store what is missing on the way: " + release_manifest::where_it_ends(running, goal, stored);
    return out;
  }
  out.hint = "go through " + running + " -> " + base::join(way, " -> ") + ": wrktalk deploy " + artifact.version +
             " --through";
  for (const auto& version : way) {
    const auto found =
        std::find_if(known.begin(), known.end(), [&](const auto& one) { return one.version == version; });
    out.stops.push_back(found->id);
  }
  return out;
}

std::string missing_settings_text(const artifact::Artifact& artifact, const std::vector<std::string>& missing) {
  return "release " + artifact.version + " needs " + (missing.size() == 1 ? "a value" : "values") + " for " +
         base::join(missing, ", ") + ", and nothing gives " + (missing.size() == 1 ? "it" : "them");
}

std::vector<std::string> missing_settings(const deploy::Release& release, const std::vector<std::string>& required) {
  if (required.empty()) return {};
  deploy::env::File env;
  if (release.env_file) env = deploy::env::read(base::read_file(*release.env_file, kLargestFile), "the env file");
  std::vector<std::string> paths = release.site_values_files;
  std::reverse(paths.begin(), paths.end());
  if (release.values_file) paths.push_back(*release.values_file);
  std::vector<yaml::Document> values;  // who is asked first
  for (const auto& path : paths) {
    for (auto& document : yaml::read(base::read_file(path, kLargestFile), "the values")) {
      values.push_back(std::move(document));
    }
  }
  std::vector<std::string> missing;
  std::copy_if(required.begin(), required.end(), std::back_inserter(missing), [&](const std::string& name) {
    const auto* variable = env.find(name);
    const bool in_env = variable != nullptr && !variable->value.empty();
    return !in_env && std::none_of(values.begin(), values.end(),
                                   [&](const auto& document) { return has_value(document.root(), name); });
  });
  return missing;
}

}  // namespace wrktalk::agent
