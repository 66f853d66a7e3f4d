// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/observe/status.hpp"

#include <string>

namespace wrktalk::observe {

/// Prometheus' text format 0.0.4, what the library at hand writes; not OpenMetrics (docs/adr).
constexpr const char* kMetricsType = "text/plain; version=0.0.4; charset=utf-8";

/// What /metrics answers.
std::string metrics_text(const Status& status, base::BootClock::time_point now);

}  // namespace wrktalk::observe
