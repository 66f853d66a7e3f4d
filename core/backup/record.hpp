// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/backup/dump_text.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace wrktalk::backup {

/// What is known of a backup besides its bytes; NAME.json. Times are UTC, ISO 8601.
struct Record {
  std::string created_at;
  std::string database;
  std::string server_version;
  std::string pg_dump_version;
  std::uint64_t size_bytes = 0;
  std::string sha256;  ///< also in NAME.sha256, as sha256sum(1) takes it
  Rows rows;
  double took_seconds = 0;
  std::string verified_at;  ///< empty: not yet
  std::string restored_at;  ///< the last time `verify --restore` succeeded; empty: never
};

/// What lies beside the backup at `path`; nothing when there is no NAME.json. Throws Error(difference) when it is damaged.
std::optional<Record> read_record(const std::string& path);

/// The digest that NAME.sha256 has for the backup at `path`; nothing when there is no such file.
/// Throws Error(difference) when it is not one.
std::optional<std::string> read_sha256(const std::string& path);

/// NAME.sha256 and NAME.json, each whole or not at all.
void write_record(const std::string& path, const Record& record);

/// The same as JSON text.
std::string to_json(const Record& record);

/// Now, in seconds since 1970, as "2026-01-31T02:15:00Z" and as other formats of strftime.
std::string utc_text(std::int64_t unix_seconds, const char* format = "%Y-%m-%dT%H:%M:%SZ");

}  // namespace wrktalk::backup
