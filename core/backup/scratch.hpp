// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/pulse.hpp"
#include "core/db/raw.hpp"
#include "core/db/settings.hpp"

#include <string>

namespace wrktalk::backup {

/// The same settings for another database.
db::ConnectionSettings with_database(db::ConnectionSettings settings, const std::string& name);

/// A throw-away database, dropped when the object goes. Those that killed processes left behind are dropped first.
class ScratchDatabase {
 public:
  /// Throws Error(busy) when a lock is not to be had, SqlError 42501 when the role may not create one.
  ScratchDatabase(const db::ConnectionSettings& server, base::Pulse& pulse);
  ScratchDatabase(const ScratchDatabase&) = delete;
  ScratchDatabase& operator=(const ScratchDatabase&) = delete;
  ~ScratchDatabase();

  const db::ConnectionSettings& settings() const noexcept { return settings_; }
  /// A connection to the server, though not to the database.
  const db::raw::Connection& server() const noexcept { return connection_; }

 private:
  void drop(const std::string& name) noexcept;

  db::raw::Connection connection_;  ///< holds a lock that says: the database is in use
  std::string name_;
  db::ConnectionSettings settings_;
};

}  // namespace wrktalk::backup
