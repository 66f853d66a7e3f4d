// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/deploy/compose_override.hpp"
#include "core/deploy/compose_references.hpp"
#include "core/deploy/policy.hpp"
#include "core/yaml/document.hpp"

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace wrktalk::deploy::compose {

struct Claims;

/// The names that a compose file has in a release, the first that is there counts. compose.override.yaml and its like count for nothing: compose
/// is told the file's name (-f), and then reads no other by itself.
const std::vector<std::string>& file_names();

/// Of a compose file and of what it names, in bytes.
constexpr std::size_t kLargestFile = 1024 * 1024;

/// A release's files, wherever they are.
class Files {
 public:
  virtual ~Files() = default;
  /// The content of those that are ordinary files there, by name; names are relative to the release's top, without "." or "..".
  virtual std::map<std::string, std::string> read(const std::set<std::string>& names) = 0;
};

/// A release that lies unpacked in a folder.
class TreeFiles : public Files {
 public:
  explicit TreeFiles(std::string tree) : tree_(std::move(tree)) {}
  std::map<std::string, std::string> read(const std::set<std::string>& names) override;

 private:
  std::string tree_;
};

/// A file that compose would open beside its models: env_file, label_file, a seccomp profile.
struct Opened {
  std::string path;  ///< relative to the release's top
  std::string by;    ///< "compose.yml:4: 'env_file'"
  Reference reference;
};

/// What judging read of a release, and what the policy is to decide.
struct Walked {
  policy::Findings findings;
  std::map<std::string, std::string> models;  ///< the compose files, by name
  std::vector<Opened> opened;
};

/// `judge_files`, with what it has read. Throws Error(artifact) also for a compose file that is named and not there.
Walked walk_files(Files& files, const std::string& name, const policy::Policy& policy);

/// Judges a compose file and all that it includes or extends, as YAML, before compose sees them; nothing outside the release is read.
/// Throws Error(artifact) "FILE:LINE: ..." for what is no YAML, and for a file that compose would open itself whose path is absolute, remote,
/// computed or leads out of the release. Returns what the policy is to decide, as far as it can be told before `${...}` are filled in.
policy::Findings judge_files(Files& files, const std::string& name, const policy::Policy& policy);

/// What compose makes of a release's files, variables filled in and paths absolute.
class Model {
 public:
  /// Of what `compose config` printed. Throws Error(artifact) when that cannot be read.
  Model(std::string_view printed, bool is_json);

  /// `tree` is where the release lies.
  policy::Findings judge(const std::string& tree, const policy::Policy& policy) const;
  /// What it wants to have on the engine.
  Claims claims(const std::string& project) const;
  /// The services' images, each once.
  std::vector<std::string> images() const;
  /// The images that services mount (`volumes`, `type: image`).
  std::vector<std::string> mounted_images() const;
  Stack stack() const;

 private:
  std::vector<yaml::Document> documents_;
};

}  // namespace wrktalk::deploy::compose
