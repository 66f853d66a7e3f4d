// SPDX-License-Identifier: Apache-2.0
#include "core/agent/lease_renewal.hpp"

#include "core/base/error.hpp"
#include "core/log/log.hpp"
#include "core/queue/claim.hpp"

#include <algorithm>
#include <cstdint>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace wrktalk::agent {
namespace {

using base::BootClock;
using base::Deadline;
using State = db::raw::AsyncConnection::State;

constexpr std::chrono::milliseconds kLongestAnswer{10'000};
/// A renewal that somebody asked for comes no sooner than this after the last one.
constexpr std::chrono::milliseconds kShortestInterval{200};
/// Longer than the working thread may be silent: a statement and its deadline, connecting to several hosts, the sync of a large tree.
constexpr std::chrono::minutes kLongestSilence{2};

base::Fd make_event() {
  base::Fd event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!event) base::throw_errno(base::Kind::failed, "eventfd");
  return event;
}

void signal(const base::Fd& event) noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(event.get(), &one, sizeof one);
}

void clear(const base::Fd& event) noexcept {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto got = ::read(event.get(), &count, sizeof count);
}

}  // namespace

LeaseRenewal::LeaseRenewal(Plan plan, exec::Fence& fence)
    : plan_(std::move(plan)),
      fence_(fence),
      changed_(make_event()),
      wake_(make_event()),
      databases_(plan_.databases),
      progress_at_(BootClock::now()),
      next_(Deadline::at(plan_.claimed_at + plan_.interval)) {
  view_.renewed_at = plan_.claimed_at;
  fence_.renew(plan_.claimed_at, plan_.lease);
  thread_ = std::thread([this] { run(); });
}

LeaseRenewal::~LeaseRenewal() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake();
  thread_.join();
}

LeaseRenewal::View LeaseRenewal::view() const {
  const std::lock_guard lock(mutex_);
  return view_;
}

void LeaseRenewal::seen() noexcept { clear(changed_); }

void LeaseRenewal::progress() noexcept {
  const std::lock_guard lock(mutex_);
  progress_at_ = BootClock::now();
}

void LeaseRenewal::renew_soon() noexcept {
  {
    const std::lock_guard lock(mutex_);
    soon_ = true;
  }
  wake();
}

void LeaseRenewal::connect_with(std::vector<db::ConnectionSettings> databases) {
  {
    const std::lock_guard lock(mutex_);
    databases_ = std::move(databases);
    view_.refuses_credentials = false;
    reconnect_ = true;
  }
  wake();
}

void LeaseRenewal::finish() noexcept {
  const std::lock_guard lock(mutex_);
  finishing_ = true;
}

void LeaseRenewal::wake() noexcept { signal(wake_); }

void LeaseRenewal::publish(void (*change)(View&)) {
  {
    const std::lock_guard lock(mutex_);
    change(view_);
  }
  signal(changed_);
}

void LeaseRenewal::run() noexcept {
  ::pthread_setname_np(::pthread_self(), "lease");
  try {
    for (;;) {
      const bool under_way = connection_.state() == State::connecting || connection_.state() == State::busy;
      std::vector<pollfd> fds{{wake_.get(), POLLIN, 0}};
      if (under_way) fds.push_back({connection_.socket(), connection_.events(), 0});
      ::poll(fds.data(), fds.size(), (under_way ? answer_by_ : next_).poll_timeout());
      clear(wake_);
      {
        const std::lock_guard lock(mutex_);
        if (ending_) return;
        if (view_.taken) next_ = Deadline::never();
        if (soon_ && !view_.taken)
          next_ = base::sooner(next_, Deadline::at(std::max(BootClock::now(), view_.renewed_at + kShortestInterval)));
        soon_ = false;
        if (reconnect_) next_ = Deadline::in({});
        if (reconnect_) connection_.close();
        reconnect_ = false;
      }
      step();
    }
  } catch (const std::exception& e) {
    // Out of memory: the lease runs out, and another agent takes over.
    log::error("lease.stopped", e.what(), {{"task_id", plan_.task_id}});
  }
}

void LeaseRenewal::step() {
  const bool was_idle = connection_.state() == State::idle;
  connection_.advance();
  switch (connection_.state()) {
    case State::closed:
      if (next_.passed() && !is_stuck()) open();
      return;
    case State::idle:
      if (!next_.passed() || is_stuck()) return;
      asked_at_ = BootClock::now();
      answer_by_ = Deadline::in(std::min(kLongestAnswer, plan_.lease / 6));
      connection_.send(queue::kHeartbeat,
                       {plan_.task_id, plan_.token, std::to_string(std::chrono::duration<double>(plan_.lease).count()),
                        plan_.instance});
      return;
    case State::connecting:
    case State::busy:
      if (!answer_by_.passed()) return;
      log::warn("heartbeat.late", "no answer from the database", {{"task_id", plan_.task_id}});
      late();
      return;
    case State::answered: answered(); return;
    case State::broken:
      // A server may end idle sessions: the next renewal connects anew.
      was_idle ? connection_.close() : broken();
      return;
  }
}

void LeaseRenewal::open() {
  db::ConnectionSettings database;
  {
    const std::lock_guard lock(mutex_);
    database = databases_[way_ % databases_.size()];
  }
  answer_by_ = Deadline::in(db::connect_limit(database));
  connection_.open(database);
}

void LeaseRenewal::broken() {
  const std::string reason = connection_.error();
  if (db::refuses_credentials(reason)) publish([](View& view) { view.refuses_credentials = true; });
  if (backoff_.tries() == 0) {
    log::warn("heartbeat.lost", "the heartbeat's connection is lost: " + reason, {{"task_id", plan_.task_id}});
  }
  late();
}

void LeaseRenewal::late() {
  connection_.close();
  ++way_;
  ++failures_;
  std::size_t ways = 0;
  {
    const std::lock_guard lock(mutex_);
    ways = databases_.size();
  }
  // Another way to the database is tried at once.
  const bool others = failures_ % ways != 0;
  next_ = Deadline::in(others ? std::chrono::milliseconds(0) : std::min(backoff_.next(), plan_.interval));
  publish([](View& view) {
    ++view.late;
    view.answers = false;
  });
}

void LeaseRenewal::answered() {
  const auto table = connection_.take();
  if (!table) {
    if (backoff_.tries() == 0) log::warn("heartbeat.failed", connection_.error(), {{"task_id", plan_.task_id}});
    late();
    return;
  }
  if (table->rows.empty()) {
    next_ = Deadline::never();
    const std::lock_guard lock(mutex_);
    if (finishing_) return;
    view_.taken = true;
    signal(changed_);
    fence_.revoke();
    log::error("lease.lost", "another agent has the task now", {{"task_id", plan_.task_id}});
    return;
  }
  if (backoff_.tries() > 0)
    log::info("heartbeat.back", "the heartbeat reaches the database again", {{"task_id", plan_.task_id}});
  backoff_.reset();
  failures_ = 0;
  fence_.renew(asked_at_, plan_.lease);
  next_ = Deadline::at(asked_at_ + plan_.interval);
  {
    const std::lock_guard lock(mutex_);
    view_.renewed_at = asked_at_;
    view_.cancel = table->rows[0][0] == "t";
    view_.answers = true;
  }
  signal(changed_);
  log::debug("heartbeat", "lease renewed", {{"task_id", plan_.task_id}});
}

bool LeaseRenewal::is_stuck() {
  const std::lock_guard lock(mutex_);
  const bool silent = BootClock::now() - progress_at_ > kLongestSilence;
  if (silent && !stuck_)
    log::error("agent.stuck", "the working thread has shown no progress for 2 min: the lease is not renewed any more",
               {{"task_id", plan_.task_id}});
  stuck_ = silent;
  if (silent) next_ = Deadline::in(plan_.interval);
  return silent;
}

}  // namespace wrktalk::agent
