// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/pulse.hpp"
#include "core/db/raw.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

/// Retention of LangGraph's checkpoint tables.
///
/// A thread's history may go, the thread never does. What stays, in each thread and namespace:
///
/// - the newest checkpoints, and those that are not old; with their pending writes and every blob their channels refer to
/// - of one written before LangGraph's format 4, the parent that holds its pending sends
/// - a subgraph's checkpoints that belong to a checkpoint of the root graph that stays; a call of a subgraph (its namespace has
///   a ":") goes with the root checkpoint that it started from
///
/// Threads that use a DeltaChannel are left alone: their state is rebuilt from all of their checkpoints.
/// These are the rules of PostgresSaver.prune(strategy="keep_latest") of langgraph-checkpoint-postgres 3.2, for N instead of 1.
namespace wrktalk::checkpoints {

struct Rule {
  std::optional<std::chrono::milliseconds> older_than;  ///< by the time in the checkpoint; nothing: age does not count
  std::int64_t keep_latest = 1;                         ///< of each thread and namespace, at least 1
  std::optional<std::string> thread;                    ///< this one alone
  std::optional<std::string> checkpoint_ns;  ///< this namespace alone; "" is the root graph, with the calls it made
};

struct Pace {
  std::int64_t batch = 1'000;            ///< checkpoints in one transaction
  std::chrono::milliseconds pause{100};  ///< between transactions
};

struct Counts {
  std::int64_t threads = 0;  ///< that lost something
  std::int64_t checkpoints = 0;
  std::int64_t writes = 0;
  std::int64_t blobs = 0;
  std::int64_t delta_threads = 0;  ///< left alone
};

/// Deletes what `rule` lets go, thread by thread. Each batch is one transaction that leaves no blob or write without its
/// checkpoint: when it is ended half-way, what was done is done right and the next run goes on. Applications may read and
/// write meanwhile; only a run that forks from an old checkpoint at the moment in which that goes cannot be helped.
/// Throws Error(configuration) when the tables are not there, Error(busy) when one thread changes again and again.
Counts prune(db::raw::Connection& connection, const Rule& rule, const Pace& pace, base::Pulse& pulse,
             const std::function<void(const Counts&)>& progress);

/// What `prune` would delete now; deletes nothing.
Counts count(db::raw::Connection& connection, const Rule& rule, base::Pulse& pulse,
             const std::function<void(const Counts&)>& progress);

}  // namespace wrktalk::checkpoints
