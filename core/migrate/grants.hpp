// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/pulse.hpp"
#include "core/db/raw.hpp"
#include "core/migrate/ledger.hpp"

#include <string>
#include <vector>

/// The rights in the agent's database: what each kind of role needs, and nothing else.
namespace wrktalk::migrate {

/// The database's roles by what they do.
struct Grantees {
  std::vector<std::string> agents;      ///< run `poll`, `deploy`, `rollback`, `task`, `maintenance`, `notify`
  std::vector<std::string> publishers;  ///< add releases
  std::vector<std::string> readers;     ///< run `status`, `verify`, `task list`, `task show`
  std::vector<std::string> backends;    ///< v4.2 backends and agents
};

/// The statements that take from these roles, and from PUBLIC, every right on the agent's tables and functions, and give each what it
/// needs; each once, without a semicolon. Throws Error: `configuration` when a role or the tables are missing, or when a role has the
/// owner's rights, which grants cannot limit; `usage` for a role that is a backend and an agent or publisher.
std::vector<std::string> grant_statements(db::raw::Connection& connection, const Grantees& grantees,
                                          base::Pulse& pulse);

/// Runs them in one transaction.
void apply_grants(db::raw::Connection& connection, const std::vector<std::string>& statements, base::Pulse& pulse);

/// What an agent needs and the connected role has not: "SELECT on agent_task", "UPDATE of status, phase on agent_task". Objects that are not there are left
/// out.
std::vector<std::string> missing_agent_rights(db::raw::Connection& connection, const Site& site, base::Pulse& pulse);

/// Rights on the agent's tables and functions that no role needs. A role that may write to tables which v4.2 does not know is taken for an
/// agent, publisher and reader in one; any other for a v4.2 backend, which may read and write v4.2's five tables, and a reader.
std::vector<std::string> excess_rights(db::raw::Connection& connection, const Site& site, base::Pulse& pulse);

}  // namespace wrktalk::migrate
