// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/agent/task_context.hpp"

/// The steps of a task that are about the application's databases.
namespace wrktalk::agent {

/// Part of `check`.
void plan_data(TaskContext& context);

bool needs_backup(const TaskContext& context);
/// A backup of each database that the release names. One that an earlier holder of the task made is the one: since then the database may have changed.
void back_up(TaskContext& context);

bool needs_migrations(const TaskContext& context);
/// Applies what is pending, or undoes what an older release has not; what it is about to do is written down before.
void migrate_data(TaskContext& context);

/// Takes back what `migrate_data` did, as the manifests say. Does nothing the second time. Throws Error when that cannot be done.
void undo_data(TaskContext& context);

}  // namespace wrktalk::agent
