// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/deploy/containers.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace wrktalk::deploy::compose {

/// What a project was brought up from, as the labels of its containers say, whoever did it. Kept in Before::way_back.
struct WayBack {
  std::string working_dir;
  std::vector<std::string> files;              ///< absolute where the labels allow it, in compose's order
  std::vector<std::string> environment_files;  ///< as --env-file named them
  std::map<std::string, std::string> images;   ///< service: the id of what it runs
};

/// From the container that was made last: compose leaves the labels of those that an upgrade does not touch as they are.
WayBack way_back(const Containers& containers);
/// Whether all containers name the same files.
bool are_of_one_source(const Containers& containers);

std::string to_json(const WayBack& way);
/// What cannot be read is empty.
WayBack way_back_from_json(const std::string& text);

/// The first of its files that is not on this machine; the environment's files count when asked. Nothing when all are here.
std::optional<std::string> missing_file(const WayBack& way, bool with_environment);

/// Services that run another image now than they did, each once.
std::vector<std::string> other_images(const WayBack& way, const Containers& now);

}  // namespace wrktalk::deploy::compose
