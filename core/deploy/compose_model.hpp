// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/deploy/policy.hpp"
#include "core/yaml/document.hpp"

#include <string>

namespace wrktalk::deploy::compose {

/// How a model's paths and places are to be read.
class Reading {
 public:
  enum class Place { inside, outside, unknown };

  virtual ~Reading() = default;
  /// Whether a path of this machine lies in the release or in a data folder; unknown when it is still computed.
  virtual Place place(const std::string& path) const = 0;
  /// Where that path leads to in the end, links followed where that can be told.
  virtual std::string goal(const std::string& path) const { return path; }
  /// What a finding begins with: "compose.yml:4: ", or nothing.
  virtual std::string at(const yaml::Node& node) const = 0;
};

/// Everything that the policy's rules speak of in a compose model, whichever way it is written.
policy::Findings judge_model(const yaml::Node& root, const Reading& reading, const policy::Policy& policy);

}  // namespace wrktalk::deploy::compose
