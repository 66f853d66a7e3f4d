// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace wrktalk::observe {

/// A metric and its samples, for a server that is no agent.
struct Family {
  struct Sample {
    double value = 0;
    std::vector<std::pair<std::string, std::string>> labels{};
  };
  std::string name;
  std::string help;
  bool is_counter = false;  ///< else a gauge
  std::vector<Sample> samples{};
};

}  // namespace wrktalk::observe
