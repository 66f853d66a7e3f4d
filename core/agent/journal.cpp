// SPDX-License-Identifier: Apache-2.0
#include "core/agent/journal.hpp"

#include "core/base/error.hpp"
#include "core/log/log.hpp"

namespace wrktalk::agent {

void Journal::note(const std::string& phase, const std::string& message, const std::optional<std::string>& data) {
  log::info("task." + phase, message, {{"task_id", claim_.task.id}, {"target", claim_.target}});
  phase_ = phase;
  kept_.push_back({phase, log::redact(message), data});
  if (kept_.size() > kMostKept) kept_.pop_front();
  try {
    flush();
    away_ = false;
  } catch (const base::Error& e) {
    if (e.kind() == base::Kind::lease_lost) throw;
    if (is_outage(e)) link_.drop();
    if (!away_) log::warn("database.away", e.what(), {{"task_id", claim_.task.id}});
    away_ = true;
  }
}

void Journal::keep_output(const std::string& line) {
  if (output_lines_ > kMostOutput) return;
  const bool last = ++output_lines_ > kMostOutput;
  kept_.push_back({phase_, "| " + (last ? "what the tools print further is in the agent's log" : line), {}});
}

void Journal::flush() {
  while (!kept_.empty()) {
    const Line& line = kept_.front();
    queue::note(link_.session(), claim_, line.phase, line.message, line.data);
    kept_.pop_front();
  }
}

}  // namespace wrktalk::agent
