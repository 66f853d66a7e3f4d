// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace wrktalk::backup {

/// How a run of `backup create` ended.
struct RunResult {
  std::int64_t ended_at = 0;  ///< seconds since 1970
  double took_seconds = 0;
  bool success = false;
  std::uint64_t size_bytes = 0;  ///< of the backup, when there is one
};

/// Writes the file that node_exporter's textfile collector reads, whole or not at all, readable by all. What an earlier run
/// that succeeded wrote there of itself stays when this one failed. Throws Error(failed).
void write_metrics(const std::string& path, const RunResult& result);

}  // namespace wrktalk::backup
