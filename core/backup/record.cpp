// SPDX-License-Identifier: Apache-2.0
#include "core/backup/record.hpp"

#include "core/base/error.hpp"
#include "core/base/files.hpp"
#include "core/log/log.hpp"

#include <nlohmann/json.hpp>

#include <array>
#include <cerrno>
#include <ctime>
#include <unistd.h>

namespace wrktalk::backup {
namespace {

using base::Error;
using base::Kind;

constexpr std::size_t kLimit = 64 * 1024;
constexpr mode_t kMode = 0600;
constexpr std::size_t kDigits = 64;

std::string file_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

std::optional<Record> read_record(const std::string& path) {
  const auto text = base::read_file_if_exists(path + ".json", kLimit);
  if (!text) return std::nullopt;
  try {
    const auto json = nlohmann::json::parse(*text);
    Record record;
    json.at("created_at").get_to(record.created_at);
    json.at("database").get_to(record.database);
    json.at("server_version").get_to(record.server_version);
    json.at("pg_dump_version").get_to(record.pg_dump_version);
    json.at("size_bytes").get_to(record.size_bytes);
    json.at("sha256").get_to(record.sha256);
    json.at("rows").get_to(record.rows);
    json.at("took_seconds").get_to(record.took_seconds);
    json.at("verified_at").get_to(record.verified_at);
    json.at("restored_at").get_to(record.restored_at);
    return record;
  } catch (const nlohmann::json::exception& error) {
    throw Error(Kind::difference, path + ".json is not what wrktalk writes: " + error.what());
  }
}

std::optional<std::string> read_sha256(const std::string& path) {
  const auto text = base::read_file_if_exists(path + ".sha256", kLimit);
  if (!text) return std::nullopt;
  std::string digest = text->substr(0, kDigits);
  if (digest.size() != kDigits || digest.find_first_not_of("0123456789abcdef") != std::string::npos) {
    throw Error(Kind::difference, path + ".sha256 does not begin with a SHA-256 digest");
  }
  return digest;
}

std::string to_json(const Record& record) {
  const nlohmann::ordered_json json = {{"created_at", record.created_at},
                                       {"database", record.database},
                                       {"server_version", record.server_version},
                                       {"pg_dump_version", record.pg_dump_version},
                                       {"size_bytes", record.size_bytes},
                                       {"sha256", record.sha256},
                                       {"rows", record.rows},
                                       {"took_seconds", record.took_seconds},
                                       {"verified_at", record.verified_at},
                                       {"restored_at", record.restored_at}};
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
}

void write_record(const std::string& path, const Record& record) {
  const auto write = [](const std::string& file, const std::string& content) {
    const std::string without = base::write_file(file, content, kMode);
    if (!without.empty()) log::warn("backup.file_system", file + ": " + without);
  };
  // The record holds the digest, too: the other one is for sha256sum.
  const std::string digest_file = path + ".sha256";
  try {
    write(digest_file, record.sha256 + "  " + file_name(path) + "\n");
  } catch (const Error& e) {
    log::warn("backup.no_digest", std::string(e.what()) + ": the digest is in the record beside it alone");
    // One of an older backup with this name would call this one damaged.
    if (::unlink(digest_file.c_str()) != 0 && errno != ENOENT && errno != EISDIR) throw;
  }
  write(path + ".json", to_json(record) + "\n");
}

std::string utc_text(std::int64_t unix_seconds, const char* format) {
  const std::time_t seconds = unix_seconds;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  return {text.data(), std::strftime(text.data(), text.size(), format, &parts)};
}

}  // namespace wrktalk::backup
