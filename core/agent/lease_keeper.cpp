// SPDX-License-Identifier: Apache-2.0
#include "core/agent/lease_keeper.hpp"

#include "core/base/error.hpp"
#include "core/log/log.hpp"

namespace wrktalk::agent {
namespace {

using base::BootClock;
using base::Deadline;
using base::Error;
using base::Kind;

/// Where to renew the lease: no address costs more than two seconds, and a signal to the process ends no attempt.
std::vector<db::ConnectionSettings> patient_ways(const DatabaseLink& link) {
  auto ways = link.ways();
  for (auto& way : ways) {
    way = db::with_connect_timeout(way, std::chrono::seconds(2));
    way.interrupt_fd = -1;
  }
  return ways;
}

/// The working thread shows its progress at least this often while it waits.
constexpr std::chrono::seconds kProgress{5};

}  // namespace

LeaseKeeper::LeaseKeeper(const queue::Claim& claim, const Terms& terms, const Parts& parts)
    : claim_(claim),
      lease_(terms.lease),
      parts_(parts),
      renewal_({claim.task.id, claim.token, terms.instance, terms.interval, terms.lease, claim.asked_at,
                patient_ways(parts.link)},
               parts.fence) {}

Deadline LeaseKeeper::watch(std::vector<pollfd>& fds) {
  parts_.stop.watch(fds);
  parts_.link.watch(fds);
  fds.push_back({renewal_.changed(), POLLIN, 0});
  Deadline due = base::sooner(Deadline::in(kProgress), parts_.meanwhile.watch(fds));
  if (!waiting_) due = base::sooner(due, Deadline::at(renewal_.view().renewed_at + lease_));
  if (!undoing_) due = base::sooner(due, parts_.stop.deadline());
  return due;
}

void LeaseKeeper::tick() {
  parts_.stop.poll();
  parts_.meanwhile.tick();
  if (parts_.link.heard()) renewal_.renew_soon();
  throw_for(look());
}

void LeaseKeeper::begin_record() noexcept {
  undoing_ = true;
  renewal_.finish();
}

void LeaseKeeper::wait(Deadline until) {
  waiting_ = true;
  try {
    base::pause(*this, until);
  } catch (...) {
    waiting_ = false;
    throw;
  }
  waiting_ = false;
}

void LeaseKeeper::regain() {
  constexpr std::chrono::milliseconds kBetweenLooks{200};
  while (has_run_out(renewal_.view())) {
    renewal_.renew_soon();
    wait(Deadline::in(kBetweenLooks));
  }
}

/// What the renewing thread has to say, which the status shows.
LeaseRenewal::View LeaseKeeper::look() {
  renewal_.progress();
  renewal_.seen();
  const auto view = renewal_.view();
  parts_.status.late_heartbeats += view.late - late_;
  if (view.late != late_ && !view.answers) parts_.status.database_is_away();
  late_ = view.late;
  if (view.renewed_at != renewed_at_) parts_.status.database_answers();
  renewed_at_ = view.renewed_at;
  if (!view.refuses_credentials) return view;
  try {
    if (parts_.link.refresh()) renewal_.connect_with(patient_ways(parts_.link));
  } catch (const Error& e) {
    log::warn("credentials.wait", e.what(), {{"task_id", claim_.task.id}});
  }
  return view;
}

bool LeaseKeeper::has_run_out(const LeaseRenewal::View& view) const noexcept {
  return Deadline::at(view.renewed_at + lease_).passed();
}

void LeaseKeeper::throw_for(const LeaseRenewal::View& view) {
  if (view.taken) throw Error(Kind::lease_lost, "task " + claim_.task.id + " belongs to somebody else now");
  if (parts_.stop.at_once())
    throw Error(parts_.stop.kind(), "ended by a second signal", "the task goes on when its lease is over");
  if (!waiting_ && has_run_out(view)) {
    throw Error(Kind::lease_lost,
                "the lease of task " + claim_.task.id + " ran out: no heartbeat reached the database");
  }
  if (undoing_) return;
  if (view.cancel) throw Error(Kind::cancelled, "cancelled by an operator");
  if (parts_.stop.deadline().passed()) throw Error(parts_.stop.kind(), "asked to end, and the grace is over");
}

}  // namespace wrktalk::agent
