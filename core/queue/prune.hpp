// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/db/session.hpp"

/// How long finished tasks, their events and notifications are kept.
namespace wrktalk::queue {

/// A row goes when it is too old and not among the newest ones.
struct PruneRules {
  /// A year: an audit asks for what happened since the last one, and a target that is deployed ten times a day has some 4,000 tasks by then.
  int keep_days = 365;
  /// Finished tasks of each target that stay whatever their age: more than the revisions that helm keeps (10), so that a target which is
  /// rarely deployed still shows where it came from.
  int keep = 20;
  /// Rows of each kind that one transaction removes; ten times as many events.
  int batch = 500;
};

struct Pruned {
  int tasks = 0;
  int events = 0;
  int notifications = 0;
  bool more = false;  ///< the batch was full: call again
};

/// Removes one small batch in a short transaction: finished tasks with their events, and notifications that were sent or given up. Passes
/// over rows that somebody else works on. Stay in any case: tasks that are pending or in progress, that have no end time, that hold a
/// maintenance window open, and those that say which revision of a target was made of which stored release. Instances of agents that were
/// not seen for 7 days go too. A role that does not own the tables removes no task that ended less than 30 days ago. Throws Error, also when
/// the role may not prune.
Pruned prune_batch(db::Session& db, const PruneRules& rules);

/// What calls of `prune_batch` would remove altogether. Changes nothing; reads all that is too old.
Pruned prunable_rows(db::Session& db, const PruneRules& rules);

}  // namespace wrktalk::queue
