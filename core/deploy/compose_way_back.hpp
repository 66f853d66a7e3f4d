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
  std::map<std::string, long> counts;          ///< service: how many containers it has
  std::optional<Identity> identity;            ///< the labels of ours; nothing when it was not brought up by us
};

/// From the container that was made last: who brings a project up by hand may leave others as they are. Files below `ours` are left out: they are
/// our override files, which are written anew.
WayBack way_back(const Containers& containers, const std::string& ours);
/// Whether all containers name the same files.
bool are_of_one_source(const Containers& containers);

std::string to_json(const WayBack& way);
/// What cannot be read is empty.
WayBack way_back_from_json(const std::string& text);

/// The first of its files that is not on this machine; the environment's files count when asked. Nothing when all are here.
std::optional<std::string> missing_file(const WayBack& way, bool with_environment);

/// The first variable that compose said is not set, among what it prints to stderr; empty when it said of none.
std::string unset_variable(const std::string& err);

/// Services that run another image now than they did, each once.
std::vector<std::string> other_images(const WayBack& way, const Containers& now);

}  // namespace wrktalk::deploy::compose
