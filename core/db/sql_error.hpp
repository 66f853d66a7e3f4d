// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/error.hpp"

#include <string>
#include <utility>

namespace wrktalk::db {

/// An error of the server, with what it said.
class SqlError : public base::Error {
 public:
  SqlError(base::Kind kind, const std::string& what, std::string state, std::string hint_text = {})
      : base::Error(kind, what, std::move(hint_text)), sqlstate_(std::move(state)) {}
  /// Five characters, https://www.postgresql.org/docs/current/errcodes-appendix.html; may be empty.
  const std::string& sqlstate() const noexcept { return sqlstate_; }

 private:
  std::string sqlstate_;
};

/// What helps against an error of the database.
enum class Remedy {
  repeat,  ///< two transactions were in each other's way: the same once more, at once
  wait,    ///< the database is away, read-only, full, locked or slow: the same once more, later
  none,    ///< it would be refused again: end the task or leave the row out, and say so
};

Remedy remedy_of_sqlstate(const std::string& sqlstate) noexcept;
/// `wait` for a connection that is lost; `none` for what is no error of the database.
Remedy remedy(const base::Error& error) noexcept;
/// Whether the database may take the same later.
inline bool may_pass(const base::Error& error) noexcept { return remedy(error) != Remedy::none; }

/// Does `act`, a whole transaction, and does it again when it collided with another one; a few times. Throws what `act` throws.
template <class Act>
auto repeated(const Act& act) -> decltype(act()) {
  constexpr int kRepeats = 4;
  for (int tries = 0;; ++tries) {
    try {
      return act();
    } catch (const SqlError& error) {
      if (tries == kRepeats || remedy(error) != Remedy::repeat) throw;
    }
  }
}

/// The kind that an SQLSTATE stands for: a session that is gone (08, 57P0x, 25P03, 25P04): connection_lost; a lock that was
/// not to be had (55P03): busy; 28, 3D, 42501 and a read-only server (25006): configuration; everything else: database.
base::Kind kind_of_sqlstate(const std::string& sqlstate) noexcept;
std::string hint_of_sqlstate(const std::string& sqlstate);
/// For a connection that is gone: names the setting when `message` holds the server's last words, in English, on a time limit.
std::string hint_of_lost_connection(const std::string& message);

}  // namespace wrktalk::db
