// SPDX-License-Identifier: Apache-2.0
#include "core/agent/heart.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/log/log.hpp"

#include <algorithm>

namespace wrktalk::agent {
namespace {

using base::BootClock;
using base::Deadline;
using base::Error;
using base::Kind;
using State = db::raw::AsyncConnection::State;

constexpr std::chrono::milliseconds kLongestAnswer{10'000};
/// A heartbeat that was asked for by a notification comes no sooner than this after the last one.
constexpr std::chrono::milliseconds kShortestInterval{200};

}  // namespace

Heart::Heart(std::chrono::milliseconds interval, std::chrono::milliseconds lease, const queue::Claim& claim,
             exec::Fence& fence, Link& link, Stop& stop, observe::Status& status, base::Pulse& meanwhile)
    : interval_(interval),
      lease_(lease),
      claim_(claim),
      fence_(fence),
      link_(link),
      stop_(stop),
      status_(status),
      meanwhile_(meanwhile),
      renewed_at_(claim.asked_at),
      next_(Deadline::at(claim.asked_at + interval)) {
  fence_.renew(claim.asked_at, lease);
}

Deadline Heart::watch(std::vector<pollfd>& fds) {
  stop_.watch(fds);
  link_.watch(fds);
  const bool under_way = connection_.state() == State::connecting || connection_.state() == State::busy;
  if (under_way) fds.push_back({connection_.socket(), connection_.events(), 0});
  Deadline due = base::sooner(under_way ? answer_by_ : next_, meanwhile_.watch(fds));
  due = base::sooner(due, Deadline::at(renewed_at_ + lease_));
  if (!undoing_) due = base::sooner(due, stop_.deadline());
  return due;
}

void Heart::tick() {
  stop_.poll();
  meanwhile_.tick();
  if (link_.notified())
    next_ = base::sooner(next_, Deadline::at(std::max(BootClock::now(), renewed_at_ + kShortestInterval)));
  beat();

  if (!lost_ && Deadline::at(renewed_at_ + lease_).passed()) {
    lost_ = true;
    log::error("lease.lost", "no heartbeat reached the database while the lease lasted", {{"task_id", claim_.task.id}});
  }
  if (lost_) throw Error(Kind::lease_lost, "task " + claim_.task.id + " belongs to somebody else now");
  if (stop_.at_once()) throw Error(stop_.kind(), "ended by a second signal", "the task goes on when its lease is over");
  if (undoing_) return;
  if (cancel_) throw Error(Kind::cancelled, "cancelled by an operator");
  if (stop_.deadline().passed()) throw Error(stop_.kind(), "asked to end, and the grace is over");
}

void Heart::beat() {
  const bool was_idle = connection_.state() == State::idle;
  connection_.advance();
  switch (connection_.state()) {
    case State::closed:
      if (!next_.passed()) return;
      answer_by_ = Deadline::in(kLongestAnswer);
      connection_.open(link_.settings());
      return;
    case State::idle:
      if (!next_.passed()) return;
      asked_at_ = BootClock::now();
      answer_by_ = Deadline::in(std::min(kLongestAnswer, lease_ / 6));
      connection_.send(queue::kHeartbeat,
                       {claim_.task.id, claim_.token, std::to_string(static_cast<double>(lease_.count()) / 1000.0)});
      return;
    case State::connecting:
    case State::busy:
      if (!answer_by_.passed()) return;
      log::warn("heartbeat.late", "no answer from the database", {{"task_id", claim_.task.id}});
      late();
      return;
    case State::answered: answer(); return;
    case State::broken:
      if (was_idle) {
        // A server may end idle sessions: the next heartbeat connects anew.
        connection_.close();
        return;
      }
      broken();
      return;
  }
}

void Heart::broken() {
  const std::string reason = connection_.error();
  connection_.close();
  try {
    if (db::refuses_credentials(reason) && link_.refresh()) {
      next_ = Deadline::in(std::chrono::milliseconds(0));
      return;
    }
  } catch (const Error& e) {
    log::warn("credentials.wait", e.what(), {{"task_id", claim_.task.id}});
  }
  if (backoff_.tries() == 0) {
    log::warn("heartbeat.lost", "the heartbeat's connection is lost: " + reason, {{"task_id", claim_.task.id}});
  }
  late();
}

void Heart::late() noexcept {
  ++status_.late_heartbeats;
  status_.database_is_away();
  connection_.close();
  next_ = Deadline::in(std::min(backoff_.next(), interval_));
}

void Heart::answer() {
  const auto table = connection_.take();
  if (!table) {
    if (backoff_.tries() == 0) {
      log::warn("heartbeat.failed", connection_.error(), {{"task_id", claim_.task.id}});
    }
    late();
    return;
  }
  status_.database_answers();
  if (table->rows.empty()) {
    lost_ = true;
    log::error("lease.lost", "another agent has the task now", {{"task_id", claim_.task.id}});
    return;
  }
  if (backoff_.tries() > 0)
    log::info("heartbeat.back", "the heartbeat reaches the database again", {{"task_id", claim_.task.id}});
  backoff_.reset();
  renewed_at_ = asked_at_;
  fence_.renew(asked_at_, lease_);
  cancel_ = table->rows[0][0] == "t";
  next_ = Deadline::at(asked_at_ + interval_);
  log::debug("heartbeat", "lease renewed", {{"task_id", claim_.task.id}});
}

}  // namespace wrktalk::agent
