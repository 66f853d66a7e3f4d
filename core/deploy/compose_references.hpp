// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/yaml/document.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace wrktalk::deploy::compose {

/// A file that compose itself opens while it reads a model, so that its content may end up in a container.
struct Reference {
  enum class Leads {
    to_data,   ///< env_file, label_file, a seccomp profile
    to_model,  ///< include, extends: another compose file
  };
  std::string key;   ///< "env_file"
  std::string text;  ///< as written
  std::size_t line = 0;
  Leads leads = Leads::to_data;
  bool from_first = false;  ///< of `include`: paths in that file begin where the first of its list lies
  bool must_exist = true;   ///< compose refuses the release without it; of a service that is always on
  bool is_raw = false;      ///< of `env_file`: its values stand there as they are
};

/// All of a compose file, also those of services that nothing starts, in the formats 1 to 3 and the specification's. Throws Error(artifact) naming
/// file and line for `project_directory`, which would move where another file's paths begin.
std::vector<Reference> references(const yaml::Node& root, const std::string& name);

/// The services of a compose file; without `services` it is of format 1, and all of its entries are. By name, aliases and merges followed.
std::vector<yaml::Node::Entry> services(const yaml::Node& root);

/// A scalar, or the scalars of a list. Of a mapping in it the value of `key`.
std::vector<const yaml::Node*> scalars(const yaml::Node& value, std::string_view key = {});

}  // namespace wrktalk::deploy::compose
