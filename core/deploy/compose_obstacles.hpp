// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/pulse.hpp"
#include "core/deploy/compose_files.hpp"
#include "core/deploy/tools.hpp"

#include <string>
#include <vector>

namespace wrktalk::deploy::compose {

/// What a project's volumes, containers and published ports are to be, as compose resolved a release.
struct Claims {
  struct Volume {
    std::string name;    ///< as the engine knows it
    std::string driver;  ///< empty: the default
    std::map<std::string, std::string> options;
  };
  std::vector<Volume> volumes;     ///< with a driver or options of their own; external ones left out
  std::vector<std::string> names;  ///< container_name
  std::vector<std::string> ports;  ///< published: "8080/tcp"
};
Claims claims_of(const yaml::Node& model, const std::string& project);

/// What the engine's answers to `docker volume inspect`, `docker ps --all` say against them, a sentence each. Pure.
/// `volumes`: one line of JSON each. `containers`: kContainersFormat.
std::vector<std::string> conflicts(const Claims& claims, const std::string& project, const std::string& volumes,
                                   const std::string& containers);
extern const char* const kContainersFormat;

/// Asks the engine for what stands in the way of a release: volumes that are there with another driver or other options, which stay as they
/// are; container names and ports that another project has. Silent about what it does not answer.
std::vector<std::string> obstacles(const Model& model, const std::string& project, const Tools& tools,
                                   base::Pulse& pulse);

}  // namespace wrktalk::deploy::compose
