// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/deploy/containers.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace wrktalk::deploy::compose {

/// One service of what compose makes of its files.
struct Service {
  std::string name;
  std::string image{};  ///< as the files name it; empty when it is built
  std::vector<std::string> profiles{};
  bool is_built = false;
};

/// All that compose would start or could start, as `compose config` prints it.
struct Stack {
  std::vector<Service> services;
  bool of_format_1 = false;  ///< the file's top level are the services themselves
};

/// Whether compose starts it with `active` profiles, a list with commas (COMPOSE_PROFILES).
bool starts(const Service& service, const std::string& active);

/// The override file that compose reads last. It puts the labels of `identity` on each service, so that each container says which release it is of and
/// is made anew whatever compose thinks of it, and has the services in `images` run what is there under that id or name: nobody pulls it.
/// Empty when there is nothing to say.
std::string override_file(const Stack& stack, const std::optional<Identity>& identity,
                          const std::map<std::string, std::string>& images);

}  // namespace wrktalk::deploy::compose
