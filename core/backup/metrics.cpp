// SPDX-License-Identifier: Apache-2.0
#include "core/backup/metrics.hpp"

#include "core/base/files.hpp"
#include "core/base/text.hpp"

#include <fmt/format.h>

namespace wrktalk::backup {
namespace {

constexpr std::size_t kLimit = 64 * 1024;
constexpr const char* kSuccessTime = "wrktalk_backup_last_success_timestamp_seconds";
constexpr const char* kSuccessSize = "wrktalk_backup_last_success_size_bytes";

std::string gauge(const char* name, const char* help, const std::string& value) {
  return fmt::format("# HELP {0} {1}\n# TYPE {0} gauge\n{0} {2}\n", name, help, value);
}

/// The value that the file has now; "0" when it has none.
std::string earlier(const std::string& content, const std::string& name) {
  for (const auto& line : base::split(content, '\n')) {
    if (base::starts_with(line, name + " ")) return line.substr(name.size() + 1);
  }
  return "0";
}

}  // namespace

void write_metrics(const std::string& path, const RunResult& result) {
  const std::string before = base::read_file_if_exists(path, kLimit).value_or("");
  const std::string ended = std::to_string(result.ended_at);
  const std::string size = std::to_string(result.size_bytes);
  base::write_file(
      path,
      gauge("wrktalk_backup_last_run_timestamp_seconds", "When the last run of wrktalk backup create ended.", ended) +
          gauge("wrktalk_backup_last_run_success", "Whether it made a backup.", result.success ? "1" : "0") +
          gauge("wrktalk_backup_last_run_duration_seconds", "How long it took.",
                fmt::format("{:.3f}", result.took_seconds)) +
          gauge(kSuccessTime, "When the last backup was made; 0: never.",
                result.success ? ended : earlier(before, kSuccessTime)) +
          gauge(kSuccessSize, "Its size.", result.success ? size : earlier(before, kSuccessSize)),
      0644);
}

}  // namespace wrktalk::backup
