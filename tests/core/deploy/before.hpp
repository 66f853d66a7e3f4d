// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/deploy/deployer.hpp"

namespace wrktalk::deploy {

inline Before nothing_before() {
  Before before;
  before.state = Before::State::nothing;
  return before;
}

inline Before ran_before(std::optional<long> revision = {}) {
  Before before;
  before.state = Before::State::running;
  before.revision = revision;
  return before;
}

}  // namespace wrktalk::deploy
