// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/migrate/catalog.hpp"
#include "core/migrate/migration.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace wrktalk::migrate {

/// What a run did to one migration.
struct Done {
  std::int64_t number = 0;
  std::string label;
  std::string name;
  std::string outcome;  ///< applied, adopted or undone
  std::chrono::milliseconds took{0};
};

/// Told what a run does, when it does it. Nothing here may throw.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void checking() {}
  virtual void waiting(const std::string& /*holder*/) {}
  virtual void applying(const Migration&) {}
  virtual void undoing(const Migration&) {}
  /// The tables exist already; `missing` is what is completed.
  virtual void adopting(const Migration&, const std::vector<Difference>& /*missing*/) {}
  virtual void command(const std::string& /*tag*/) {}
  virtual void retrying(const std::string& /*why*/, std::chrono::milliseconds /*pause*/) {}
  virtual void done(const Migration&, const Done&) {}
};

}  // namespace wrktalk::migrate
