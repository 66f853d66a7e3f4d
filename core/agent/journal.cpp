// SPDX-License-Identifier: Apache-2.0
#include "core/agent/journal.hpp"

#include "core/agent/database_link.hpp"
#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/log/log.hpp"

namespace wrktalk::agent {

using base::Error;
using base::Kind;

void Journal::note(const std::string& phase, const std::string& message) {
  log::info("task." + phase, message, {{"task_id", claim_.task.id}, {"target", claim_.target}});
  phase_ = phase;
  kept_.push_back({phase, log::redact(message)});
  if (kept_.size() > kMostKept) kept_.pop_front();
  if (again_at_.passed()) flush();
}

void Journal::keep_output(const std::string& line) {
  if (output_lines_ > kMostOutput) return;
  const bool last = ++output_lines_ > kMostOutput;
  kept_.push_back({phase_, "| " + (last ? "what the tools print further is in the agent's log" : log::redact(line))});
}

void Journal::flush() {
  try {
    while (!kept_.empty()) {
      if (!write(kept_.front()) && !write({kept_.front().phase, base::plain_ascii(kept_.front().message)})) {
        log::warn("story.left_out", kept_.front().message, {{"task_id", claim_.task.id}});
      }
      kept_.pop_front();
    }
    backoff_.reset();
  } catch (const Error& e) {
    if (e.kind() == Kind::lease_lost) throw;
    store_.drop_connection();
    if (backoff_.tries() == 0) log::warn("database.away", e.what(), {{"task_id", claim_.task.id}});
    again_at_ = base::Deadline::in(backoff_.next());
  }
}

/// False when the database refuses this line for good.
bool Journal::write(const Line& line) {
  try {
    store_.add_event(line.phase, line.message);
    return true;
  } catch (const Error& e) {
    if (e.kind() == Kind::lease_lost || db::may_pass(e)) throw;
    if (!refused_) log::error("story.refused", e.what(), {{"task_id", claim_.task.id}, {"hint", e.hint()}});
    refused_ = true;
    return false;
  }
}

}  // namespace wrktalk::agent
