// SPDX-License-Identifier: Apache-2.0
#include "core/agent/agent.hpp"

#include "core/agent/link.hpp"
#include "core/agent/news.hpp"
#include "core/agent/record.hpp"
#include "core/agent/secrets.hpp"
#include "core/agent/watch.hpp"
#include "core/agent/work.hpp"
#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/log/log.hpp"
#include "core/queue/target.hpp"

#include <algorithm>
#include <array>
#include <sys/random.h>
#include <unistd.h>

namespace wrktalk::agent {
namespace {

using base::Deadline;
using base::Error;
using base::Kind;

std::string random_uuid() {
  std::array<unsigned char, 16> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    base::throw_errno(Kind::failed, "getrandom");
  }
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0F) | 0x40);
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3F) | 0x80);
  std::string text = base::to_hex(bytes.data(), bytes.size());
  for (const std::size_t at : {8U, 13U, 18U, 23U}) text.insert(at, 1, '-');
  return text;
}

void count(Summary& summary, const TaskResult& result) {
  if (result.end == TaskResult::End::recorded && result.status == queue::Status::completed) {
    ++summary.completed;
  } else {
    ++summary.failed;
    summary.exit_code = result.exit_code;
  }
}

/// The longest time that a process goes on for its messages alone.
constexpr std::chrono::seconds kDeliveryTime{10};

/// How a task left our hands, in a word.
std::string result_of(const TaskResult& result) {
  switch (result.end) {
    case TaskResult::End::released: return "released";
    case TaskResult::End::lost: return "lost";
    case TaskResult::End::abandoned: return "abandoned";
    case TaskResult::End::recorded: break;
  }
  if (result.status != queue::Status::failed) return queue::to_text(result.status);
  if (result.exit_code == base::ExitCode::put_back) return "put_back";
  return result.exit_code == base::ExitCode::not_put_back ? "not_put_back" : "failed";
}

/// Ends a delivery, or work at a proxy: at the first signal in the foreground, at one more than were there before.
class StopPulse : public base::Pulse {
 public:
  StopPulse(Stop& stop, base::Pulse& meanwhile)
      : stop_(stop), meanwhile_(meanwhile), was_requested_(stop.requested()) {}
  Deadline watch(std::vector<pollfd>& fds) override {
    stop_.watch(fds);
    return meanwhile_.watch(fds);
  }
  void tick() override {
    stop_.poll();
    meanwhile_.tick();
    if (was_requested_ ? stop_.at_once() : stop_.requested()) throw Error(stop_.kind(), "asked to end");
  }

 private:
  Stop& stop_;
  base::Pulse& meanwhile_;
  bool was_requested_;
};

/// One start of the agent: its connection and its place in agent_instance.
class Daemon {
 public:
  Daemon(const Settings& settings, Stop& stop, Watch& watch, Listen listen)
      : settings_(settings),
        stop_(stop),
        watch_(watch),
        link_(settings.database, listen, settings.credentials),
        courier_(settings.notify, [this] { return link_.settings(); }),
        meanwhile_(courier_, watch_) {}

  /// Connects and signs in when that is not done. Throws what Session throws.
  void ready() {
    if (signed_in_ && link_.connected()) return;
    auto& db = link_.session();
    if (!signed_in_) {
      me_ = sign_in(db, settings_);
      signed_in_ = true;
    }
  }

  /// Claims and runs one task.
  std::optional<TaskResult> run_one() {
    const auto claim = queue::claim(link_.session(), me_, settings_.lease());
    if (!claim) return std::nullopt;
    answered();
    auto& status = watch_.status();
    const auto result = run_task(settings_, link_, stop_, *claim, Mode::daemon, watch_, meanwhile_);
    status.count_task(claim->task.type, result_of(result));
    if (result.end == TaskResult::End::lost) ++status.lost_leases;
    courier_.wake();
    return result;
  }

  /// All that is due, until there is nothing or we are asked to end.
  Summary run_due() {
    Summary summary;
    while (!stop_.requested()) {
      const auto result = run_one();
      if (!result) break;
      count(summary, *result);
      stop_.poll();
    }
    return summary;
  }

  queue::Tick tick() {
    auto tick = look();
    answered();
    const bool webhook = !settings_.notify.webhook_url.empty();
    if (tick.silent) notify::tell_silent_agents(link_.session(), webhook);
    if (tick.overdue) end_overdue(link_.session(), webhook);
    if (tick.silent || tick.overdue) tick = look();
    if (tick.news) courier_.wake(*tick.news);
    if (tick.chore && tick.chore->count() == 0) {
      close_windows();
    } else if (tick.chore) {
      tick.next = std::min(tick.next.value_or(*tick.chore), *tick.chore);
    }
    return tick;
  }

  /// The database did not take something. Returns when to try again.
  Deadline failed(const Error& e) {
    if (backoff_.tries() == 0) log::error("database.away", e.what(), {{"hint", e.hint()}});
    link_.drop();
    watch_.status().database_is_away();
    return Deadline::in(backoff_.next());
  }

  Link& link() noexcept { return link_; }
  /// What goes on whatever the loop waits for.
  base::Pulse& meanwhile() noexcept { return meanwhile_; }

  /// What is due in the outbox goes out before the process ends, as far as it goes quickly.
  void deliver() noexcept {
    if (stop_.requested()) courier_.finish();
    StopPulse hurry(stop_, watch_);
    agent::deliver(courier_, kDeliveryTime, hurry);
  }

  void sign_out() noexcept {
    if (!signed_in_ || !link_.connected()) return;
    try {
      queue::leave(link_.session(), me_);
    } catch (const Error& e) {
      log::warn("agent.sign_out", e.what());
    }
  }

 private:
  queue::Tick look() {
    static const std::string windows = maintenance::seconds_until_due("$3");
    auto tick = queue::tick(link_.session(), me_, windows, notify::kSecondsUntilDue, watch_.questions());
    watch_.answers(tick.numbers);
    return tick;
  }

  /// Takes down the maintenance that is over. A proxy that refuses is asked again at the next tick.
  void close_windows() {
    StopPulse pulse(stop_, watch_);
    try {
      if (maintenance::close_due(link_.session(), settings_.maintenance, pulse)) {
        log::info("maintenance.closed", "the site is out of maintenance: the last window is over");
      }
      stuck_ = false;
    } catch (const Error& e) {
      if (stop_.requested()) return;
      if (e.kind() != Kind::configuration && e.kind() != Kind::child) throw;
      if (!stuck_) log::error("maintenance.stuck", e.what(), {{"hint", e.hint()}});
      stuck_ = true;
    }
  }

  /// The database took a write: that it lets us connect alone says little.
  void answered() {
    if (backoff_.tries() > 0) log::info("database.back", "the database answers again");
    backoff_.reset();
    watch_.status().database_answers();
    watch_.status().reconnects = link_.reconnects();
  }

  const Settings& settings_;
  Stop& stop_;
  Watch& watch_;
  Link link_;
  notify::Courier courier_;
  base::Both meanwhile_;
  Backoff backoff_;
  queue::Claimant me_;
  bool signed_in_ = false;
  bool stuck_ = false;  ///< the site stays in maintenance, and the log says so
};

/// Waits for a notification, a signal or `until`. True when woken by a notification.
bool wait_for_work(Daemon& daemon, Stop& stop, Deadline until) {
  while (!until.passed() && !stop.requested()) {
    if (daemon.link().notified()) return true;
    std::vector<pollfd> fds;
    stop.watch(fds);
    daemon.link().watch(fds);
    const Deadline due = base::sooner(until, daemon.meanwhile().watch(fds));
    ::poll(fds.data(), fds.size(), due.poll_timeout());
    stop.poll();
    daemon.meanwhile().tick();
  }
  return false;
}

/// One round: what is due, then sleep until something is. `woken`: look for a task first, without asking whether there is one.
bool round(Daemon& daemon, const Settings& settings, Stop& stop, bool woken) {
  // A due task that could not be claimed has its target's row locked by another agent at this moment.
  constexpr std::chrono::milliseconds kLockedPause{50};
  daemon.ready();
  if (woken) daemon.run_due();
  if (stop.requested()) return false;
  const auto tick = daemon.tick();
  if (tick.due) {
    if (woken) wait_for_work(daemon, stop, Deadline::in(kLockedPause));
    return true;
  }
  if (!daemon.link().listens()) daemon.link().rest();
  const auto sleep = std::min(tick.next.value_or(settings.poll_interval), settings.poll_interval);
  const bool scheduled = tick.next && *tick.next <= settings.poll_interval;
  const auto keep = settings.credentials == nullptr ? Deadline::never() : settings.credentials->due();
  return wait_for_work(daemon, stop, base::sooner(Deadline::in(sleep), keep)) || scheduled;
}

}  // namespace

queue::Claimant sign_in(db::Session& db, const Settings& settings) {
  queue::require_schema(db);
  queue::Claimant me{settings.agent_id, random_uuid(), WRKTALK_VERSION, {}};
  for (const auto& target : settings.targets) {
    queue::register_target(
        db, {target.name, deploy::to_text(target.kind), target.namespace_, target.release, target.project});
    me.targets.push_back(target.name);
  }
  return me;
}

Summary poll_once(const Settings& settings, Stop& stop) {
  sweep_secrets_dirs(settings);
  Watch watch(settings, stop);
  Daemon daemon(settings, stop, watch, Listen::no);
  daemon.ready();
  Summary summary;
  if (const auto result = daemon.run_one()) count(summary, *result);
  daemon.tick();
  daemon.sign_out();
  daemon.deliver();
  return summary;
}

Summary drain(const Settings& settings, Stop& stop) {
  sweep_secrets_dirs(settings);
  Watch watch(settings, stop);
  Daemon daemon(settings, stop, watch, Listen::no);
  daemon.ready();
  const Summary summary = daemon.run_due();
  daemon.tick();
  daemon.sign_out();
  daemon.deliver();
  return summary;
}

void loop(const Settings& settings, Stop& stop) {
  sweep_secrets_dirs(settings);
  Watch watch(settings, stop);
  watch.begin();
  Daemon daemon(settings, stop, watch, settings.poll_only ? Listen::no : Listen::tried);
  bool first = true;
  bool woken = true;
  while (!stop.requested()) {
    try {
      if (settings.credentials != nullptr && settings.credentials->due().passed()) settings.credentials->keep();
      daemon.ready();
      if (first) {
        std::vector<std::string> names;
        for (const auto& target : settings.targets) names.push_back(target.name);
        log::info("agent.started", "waiting for tasks",
                  {{"agent", settings.agent_id}, {"targets", base::join(names, ",")}});
      }
      first = false;
      woken = round(daemon, settings, stop, woken);
    } catch (const Error& e) {
      if (first && e.kind() == Kind::configuration && !is_outage(e)) throw;
      woken = true;
      wait_for_work(daemon, stop, daemon.failed(e));
    }
  }
  daemon.sign_out();
  daemon.deliver();
  log::info("agent.stopped", "ended");
}

TaskResult run_now(const Settings& settings, Stop& stop, const queue::NewTask& task) {
  sweep_secrets_dirs(settings);
  Link link(settings.database, Listen::direct, settings.credentials);
  const auto me = sign_in(link.session(), settings);
  const auto claim = queue::claim_new(link.session(), me, task, settings.lease());
  Watch watch(settings, stop);
  base::NoPulse nothing;
  return run_task(settings, link, stop, claim, Mode::foreground, watch, nothing);
}

void deliver_news(const Settings& settings, Stop& stop) noexcept {
  notify::Courier courier(settings.notify, [&] { return settings.database; });
  courier.wake();
  base::NoPulse nothing;
  StopPulse hurry(stop, nothing);
  deliver(courier, kDeliveryTime, hurry);
}

}  // namespace wrktalk::agent
