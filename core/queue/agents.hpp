// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/queue/claim.hpp"

#include <optional>
#include <string>
#include <vector>

/// Who polls: agent_instance has a row for each start of an agent, from its sign-in until it signs out.
namespace wrktalk::queue {

/// An agent that has signed in and not out, and was seen within the last day.
struct AgentRow {
  std::string agent_id;
  std::string version;
  std::vector<std::string> targets;
  std::string started_at;
  std::string last_seen;
  double silent_seconds = 0;
};
/// The one that was seen last comes first.
std::vector<AgentRow> agents(db::Session& db);

/// Writes this start of the agent down. `host`: the name of the machine; `process`: its boot, pid and start time there.
void sign_in_instance(db::Session& db, const Claimant& agent, const std::string& host, const std::string& process);

/// Another start of the same agent id that has not signed out: it lives, or it died without a word.
struct Instance {
  std::string id;
  std::optional<std::string> host;     ///< not known of an older version
  std::optional<std::string> process;  ///< as `sign_in_instance` got it
  std::string last_seen;
  double silent_seconds = 0;
};
/// The one that was seen last. `own`: the id of this start.
std::optional<Instance> other_live(db::Session& db, const std::string& agent_id, const std::string& own);

/// Removes an instance that has ended.
void forget_instance(db::Session& db, const std::string& id);

}  // namespace wrktalk::queue
