// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/migrate/migration_state.hpp"

#include <string>
#include <vector>

namespace wrktalk::migrate {

/// A file that would be run, or what would complete tables that are there already.
struct Planned {
  std::string direction;  ///< up, down or adopt
  std::string number;     ///< as the file writes it
  std::string name;
  std::string file;
  bool transactional = true;
  std::string sql;  ///< as it would be sent, without the limits and the ledger's row
};

/// What `goto` would do, or `up` when there is no number; nothing is changed. Throws what these would throw before they begin.
std::vector<Planned> plan(db::raw::Connection& connection, const Set& set, const Goal& goal, base::Pulse& pulse);

}  // namespace wrktalk::migrate
