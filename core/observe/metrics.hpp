// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/observe/exposition/exposition.hpp"

#include <string>

namespace wrktalk::observe {

/// Prometheus' text format 0.0.4, what the library at hand writes; not OpenMetrics (docs/adr/0009).
constexpr const char* kMetricsType = "text/plain; version=0.0.4; charset=utf-8";

/// What /metrics answers.
class Metrics {
 public:
  /// Throws Error(configuration) when the module, or the library that it needs, is not installed.
  Metrics();
  /// Throws bad_alloc when there is no memory for it.
  std::string text(const Status& status, base::BootClock::time_point now) const;
  std::string text(const std::vector<Family>& families) const;

 private:
  decltype(&wrktalk_exposition) exposition_;
  decltype(&wrktalk_exposition_of) exposition_of_;
};

}  // namespace wrktalk::observe
