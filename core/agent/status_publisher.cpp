// SPDX-License-Identifier: Apache-2.0
#include "core/agent/status_publisher.hpp"

#include "core/agent/task_context.hpp"
#include "core/backup/folder.hpp"
#include "core/base/error.hpp"
#include "core/log/log.hpp"
#include "core/observe/probes.hpp"

#include <algorithm>

namespace wrktalk::agent {
namespace {

using base::Deadline;
using base::Error;

constexpr std::chrono::minutes kBetweenBackups{1};

}  // namespace

StatusPublisher::StatusPublisher(const Settings& settings, const Stop& stop)
    : settings_(settings), stop_(stop), status_(observe::new_status(settings.agent_id)) {
  for (const auto& step : steps()) status_.phases[step.name];
  for (const char* phase : {"put-back", "record"}) status_.phases[phase];
}

void StatusPublisher::begin() {
  board_.publish(status_);
  if (settings_.http) server_.emplace(*settings_.http, board_);
  show();
  if (!settings_.http) return;
  log::info("http.listening", "answers /livez, /readyz and /metrics on " + observe::to_text(*settings_.http));
}

void StatusPublisher::take(const queue::Figures& figures) {
  status_.queue = observe::Queue{static_cast<double>(figures.due),
                                 static_cast<double>(figures.scheduled),
                                 static_cast<double>(figures.running),
                                 figures.oldest_due_seconds,
                                 figures.maintenance ? 1.0 : 0.0,
                                 static_cast<double>(figures.outbox_waiting),
                                 static_cast<double>(figures.outbox_given_up)};
  fresh_answers_ = true;
  look_at_backups();
}

/// What a probe must not hear of a beat later.
bool StatusPublisher::has_changed() const noexcept {
  return fresh_answers_ || status_.ending != stop_.requested() || status_.away_since.has_value() != shown_away_;
}

Deadline StatusPublisher::watch(std::vector<pollfd>&) {
  const bool seen = !next_.is_never();
  return seen && has_changed() ? Deadline::at({}) : next_;
}

void StatusPublisher::tick() {
  const bool seen = !next_.is_never();
  if (seen && (next_.passed() || has_changed())) show();
}

void StatusPublisher::show() {
  next_ = Deadline::in(observe::kBeat);
  status_.ticked_at = base::BootClock::now();
  status_.ending = stop_.requested();
  shown_away_ = status_.away_since.has_value();
  fresh_answers_ = false;
  claim_file();
  if (file_) file_->stamp();
  if (!settings_.http) return;
  status_.missing.clear();
  for (const auto& target : settings_.targets) {
    auto lacking = deploy::missing_prerequisites(target, settings_.deploy);
    std::move(lacking.begin(), lacking.end(), std::back_inserter(status_.missing));
  }
  board_.publish(status_);
}

/// Another agent of the same name may have it, and may end.
void StatusPublisher::claim_file() {
  if (file_ && file_->is_there()) return;
  file_.reset();
  try {
    file_.emplace(settings_.state_file());
  } catch (const Error& e) {
    if (!file_failed_) {
      log::warn("health.no_file", std::string("`wrktalk health` does not know of this agent: ") + e.what());
    }
    file_failed_ = true;
  }
}

/// Between tasks and between their steps only: a folder of another machine may hang.
void StatusPublisher::look_at_backups() {
  if (settings_.backup_dir.empty() || !next_backups_.passed()) return;
  next_backups_ = Deadline::in(kBetweenBackups);
  try {
    status_.backup.reset();
    const auto newest = backup::newest(settings_.backup_dir);
    if (newest) status_.backup = observe::Backup{newest->made_at, newest->size_bytes};
    backups_failed_ = false;
  } catch (const Error& e) {
    if (!backups_failed_) log::warn("backups.not_seen", e.what(), {{"hint", e.hint()}});
    backups_failed_ = true;
  }
}

}  // namespace wrktalk::agent
