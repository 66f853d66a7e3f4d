// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/agent/outcome.hpp"
#include "core/agent/task.hpp"
#include "core/agent/task_context.hpp"

#include <chrono>
#include <optional>

namespace wrktalk::agent {

/// Records how the task ended, for as long as it takes the database to be there: the outcome is what must not be lost. The lease is renewed
/// meanwhile. Throws lease_lost when another agent has the task, or the signal's error after a second signal.
TaskResult record_outcome(TaskContext& context, const std::optional<Failure>& failure);

/// Makes the task pending again, for at least `pause`: its target is as it was. Throws as record_outcome. `code` is what the result says.
TaskResult give_back(TaskContext& context, const std::string& why, std::chrono::milliseconds pause,
                     base::ExitCode code);

/// Removes trees that neither the current nor the previous release needs. Never throws.
void tidy(TaskContext& context, base::Pulse& pulse) noexcept;

}  // namespace wrktalk::agent
