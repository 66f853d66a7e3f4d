// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/artifact/manifest_file.hpp"
#include "core/release_manifest/version_order.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// `wrktalk.toml`: what a release says it needs of the site and of the agent. docs/releases.md has every key.
namespace wrktalk::release_manifest {

/// What the file is called in an archive.
constexpr const char* kFileName = artifact::kManifestFile;
constexpr std::size_t kLargestFile = 256 * 1024;

/// A program that is run beside the deployment.
struct Hook {
  std::string when;              ///< of kHookTimes
  std::string service;           ///< compose: the service that is run
  std::vector<std::string> run;  ///< host: a program in the tree, and its arguments
  std::chrono::milliseconds timeout{300'000};
  bool idempotent = false;  ///< may be run again when it was ended in the middle
};

struct Migrations {
  std::string dir;
  std::string database;
  std::string on_rollback = "keep";  ///< keep | down | restore
};

/// What the agent itself looks at.
struct Health {
  std::string http;  ///< a URL; empty: none
  std::string tcp;   ///< HOST:PORT; empty: none
  int expect = 200;
  std::chrono::milliseconds steady{0};
  std::chrono::milliseconds within{120'000};
};

struct Manifest {
  std::optional<std::string> min_agent;
  std::optional<VersionRange> upgrade_from;
  std::vector<std::string> requires_schema;  ///< as artifact::parse_requirements() takes each
  std::vector<std::string> keep;  ///< paths in the tree: relative, without "." and ".." parts, none inside of another
  std::vector<std::string> required;  ///< names of settings
  std::vector<Hook> hooks;
  std::optional<Migrations> migrations;
  std::vector<std::string> backup_before;  ///< names of databases
  std::optional<Health> health;
};

/// How strictly a manifest is read.
struct Reading {
  std::optional<std::string> chart_type;  ///< what has no meaning for this type of release is refused
  std::optional<std::string> version;     ///< of the release: a way up that excludes every older version is refused
  bool only_supported = true;             ///< sections that this program does nothing for are refused
};

/// Reads TOML. Throws Error(artifact) "PATH:LINE: [section] key ..." for unknown keys (with the nearest name), wrong types, and whatever else docs/releases.md
/// refuses.
Manifest parse(std::string_view text, const std::string& path, const Reading& reading);

/// As it is kept with a release: keys sorted, only what was said, the same for files that mean the same.
std::string to_json(const Manifest& manifest);

/// The same as TOML, for a file beside an archive.
std::string to_toml(const Manifest& manifest);

/// Reads what `to_json` wrote, as strictly: the database is a carrier. `name` stands where a file's path does. Throws Error(artifact), also for what only a
/// newer program knows.
Manifest from_json(const std::string& json, const std::string& name, const Reading& reading = {});

/// The oldest agent that a stored manifest wants, also of one that `from_json` refuses; nothing when it says nothing.
std::optional<std::string> min_agent_of(const std::string& json);

/// A manifest with every key that has a meaning for this type of release, all of it in comments.
std::string commented_example(const std::string& chart_type);

}  // namespace wrktalk::release_manifest
