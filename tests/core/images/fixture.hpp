// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/error.hpp"
#include "core/base/sha256.hpp"
#include "core/images/store.hpp"
#include "tests/support/pg_cluster.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>

namespace wrktalk::test {

/// Bytes that do not repeat, other ones for each seed.
inline std::string noise(std::size_t size, std::uint64_t seed) {
  std::string bytes(size, '\0');
  std::uint64_t state = seed * 0x9E3779B97F4A7C15 + 1;
  for (char& c : bytes) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    c = static_cast<char>(state);
  }
  return bytes;
}

inline std::string digest_of(const std::string& bytes) { return "sha256:" + base::sha256_hex(bytes); }

/// The agent's tables in a database of its own.
struct ImageSite {
  TestDatabase database{kAgentTables};
  base::NoPulse pulse;
  db::Session db{database.settings()};
  db::raw::Connection raw{database.settings()};

  /// A row of release_artifact, its id.
  std::string release(const std::string& version) {
    return db
        .run(
            "INSERT INTO release_artifact (release_version, chart_type, artifact_data, sha256) VALUES ($1, 'host', "
            "'', repeat('0', 64)) RETURNING id",
            version)[0][0]
        .as<std::string>();
  }

  std::int64_t count(const std::string& table) {
    return db.run("SELECT count(*) FROM " + table)[0][0].as<std::int64_t>();
  }
};

}  // namespace wrktalk::test
