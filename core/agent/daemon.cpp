// SPDX-License-Identifier: Apache-2.0
#include "core/agent/daemon.hpp"

#include "core/agent/database_store.hpp"
#include "core/agent/journal.hpp"
#include "core/agent/lease_keeper.hpp"
#include "core/agent/notifications.hpp"
#include "core/agent/stored_images.hpp"
#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/log/log.hpp"
#include "core/maintenance/maintenance.hpp"
#include "core/queue/agents.hpp"
#include "core/queue/prune.hpp"

#include <algorithm>
#include <array>
#include <poll.h>
#include <unistd.h>

namespace wrktalk::agent {
namespace {

using base::Deadline;
using base::Error;
using base::Kind;

constexpr std::chrono::hours kBetweenHousekeeping{1};
/// Between two batches, so that tasks and probes do not wait.
constexpr std::chrono::seconds kBetweenBatches{1};

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

void count(Summary& summary, const TaskResult& result) {
  if (result.end == TaskResult::End::recorded && result.status == queue::Status::completed) {
    ++summary.completed;
    return;
  }
  // One that was given back has not failed.
  if (result.end != TaskResult::End::released) ++summary.failed;
  summary.exit_code = result.exit_code;
}

std::string host_name() {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  return name.data();
}

/// Keeps who guards the tool; while the database is away the lease alone has to do.
void record_guard(DatabaseLink& link, const queue::Claim& claim, const exec::ProcessId& guard) {
  try {
    queue::record_guard(link.session(), claim, exec::to_text(guard));
  } catch (const Error& e) {
    if (e.kind() == Kind::lease_lost) throw;
    if (db::may_pass(e)) link.drop();
    log::warn("database.away", e.what(), {{"task_id", claim.task.id}});
  }
}

}  // namespace

TaskResult run_claimed(const queue::Claim& claim, const Holder& holder) {
  const Settings& settings = holder.settings;
  DatabaseLink& link = holder.link;
  StatusPublisher& publisher = holder.publisher;
  exec::Fence fence([&](const exec::ProcessId& guard) { record_guard(link, claim, guard); }, claim.task.id);
  LeaseKeeper lease(claim, {settings.heartbeat_interval, settings.lease(), holder.instance},
                    {fence, link, holder.stop, publisher.status(), holder.meanwhile});
  DatabaseStore store(settings, link, claim);
  Journal journal(store, claim);
  StoredImages images(link);
  const auto deployer = deploy::make_deployer(
      deploy::parse_target(claim.target), settings.deploy, {claim.task.id, claim.task.attempt}, fence,
      [&journal](const std::string& line) { journal.keep_output(line); }, &images);
  NamedDatabases databases(settings);
  StopPulse afterwards(holder.stop, holder.meanwhile);
  const auto show_queue = [&] {
    if (!publisher.shows_figures()) return;
    try {
      publisher.take(queue::figures(link.session()));
    } catch (const Error& e) {
      log::debug("metrics.not_asked", e.what(), {{"task_id", claim.task.id}});
    }
  };
  const bool webhook = !settings.notify.webhook_url.empty();
  const auto result =
      run_task({claim, holder.instance ? Mode::daemon : Mode::foreground, settings.agent_id, webhook, store, *deployer,
                databases, lease, journal, holder.stop, publisher.status(), afterwards, show_queue});
  for (auto& event : store.take_owed()) holder.owed.push_back(std::move(event));
  return result;
}

Daemon::Daemon(const Settings& settings, Stop& stop, StatusPublisher& publisher, Listen listen)
    : settings_(settings),
      stop_(stop),
      publisher_(publisher),
      link_(settings.database, listen, settings.credentials),
      sender_(settings.notify, [this] { return link_.settings(); }),
      meanwhile_(sender_, publisher_),
      proxy_forgets_(maintenance::may_forget(settings.maintenance)) {}

void Daemon::ready() {
  if (signed_in_ && link_.connected()) return;
  auto& db = link_.session();
  if (signed_in_) return;
  me_ = sign_in(db, settings_);
  signed_in_ = true;
}

void Daemon::refuse_twin() {
  queue::sign_in_instance(link_.session(), me_, host_name(), exec::to_text(exec::identify(::getpid())));
  while (const auto other = queue::other_live(link_.session(), me_.agent_id, me_.instance)) {
    const bool alive = lives(*other);
    if (stop_.requested()) return;
    if (!alive) {
      queue::forget_instance(link_.session(), other->id);
      continue;
    }
    queue::forget_instance(link_.session(), me_.instance);
    throw Error(Kind::configuration,
                "another agent with the id " + me_.agent_id + " polls already on " +
                    base::one_line(other->host.value_or("another machine")),
                "end that one, or give this one an id of its own with WRKTALK_AGENT_AGENT_ID");
  }
}

/// A process of this machine can be looked up. On another machine only time can tell: an agent that lives is seen within its poll interval, or the
/// interval of its heartbeat while it runs a task.
bool Daemon::lives(const queue::Instance& other) {
  constexpr std::chrono::milliseconds kBetweenLooks{250};
  constexpr std::chrono::seconds kMargin{1};
  const auto process = exec::parse_process_id(other.process.value_or(""));
  if (exec::is_same_host(process)) return exec::is_running_here(process) && process.pid != ::getpid();
  const std::chrono::duration<double> silent(other.silent_seconds);
  const auto longest = std::max(settings_.poll_interval, settings_.heartbeat_interval) + kMargin;
  const auto until = Deadline::in(std::chrono::duration_cast<std::chrono::nanoseconds>(longest - silent));
  log::info("agent.waiting", "an agent with the id " + me_.agent_id + " was seen on " +
                                 base::one_line(other.host.value_or("another machine")) +
                                 ": waiting whether it is still there");
  while (!until.passed() && !stop_.requested()) {
    std::vector<pollfd> fds;
    stop_.watch(fds);
    const auto due = base::sooner(base::sooner(until, Deadline::in(kBetweenLooks)), meanwhile_.watch(fds));
    ::poll(fds.data(), fds.size(), due.poll_timeout());
    stop_.poll();
    meanwhile_.tick();
    const auto again = queue::other_live(link_.session(), me_.agent_id, me_.instance);
    if (!again || again->id != other.id) return false;
    if (again->last_seen != other.last_seen) return true;
  }
  return false;
}

std::optional<TaskResult> Daemon::run_one() {
  const auto claim = db::repeated(
      [&] { return queue::claim(link_.session(), me_, settings_.lease(), leases_.not_yet(base::BootClock::now())); });
  if (!claim) return std::nullopt;
  answered();
  auto& status = publisher_.status();
  const auto result = run_claimed(*claim, {settings_, link_, stop_, publisher_, meanwhile_, owed_, me_.instance});
  status.count_task(claim->task.type, result_of(result));
  if (result.end == TaskResult::End::lost) ++status.lost_leases;
  sender_.wake();
  return result;
}

Summary Daemon::run_due(int at_most) {
  Summary summary;
  while (!stop_.requested() && at_most-- > 0) {
    const auto result = run_one();
    if (!result) break;
    count(summary, *result);
    stop_.poll();
  }
  return summary;
}

queue::Tick Daemon::tick() {
  auto tick = look();
  answered();
  const bool webhook = !settings_.notify.webhook_url.empty();
  if (tick.silent) notify::tell_silent_agents(link_.session(), webhook);
  if (tick.overdue) end_overdue(link_.session(), webhook);
  if (tick.silent || tick.overdue) tick = look();
  if (!owed_.empty()) tell_owed();
  if (tick.notification_due) sender_.wake(*tick.notification_due);
  if (tick.maintenance_due && tick.maintenance_due->count() == 0) {
    close_windows();
  } else if (tick.maintenance_due) {
    tick.next = std::min(tick.next.value_or(*tick.maintenance_due), *tick.maintenance_due);
  }
  if (proxy_forgets_ && tick.in_maintenance) show_windows_again();
  if (!tick.due && housekeeping_.passed()) keep_house();
  return tick;
}

queue::Tick Daemon::look() {
  const auto now = base::BootClock::now();
  auto tick = queue::tick(link_.session(), me_, publisher_.shows_figures(), leases_.not_yet(now));
  if (tick.figures) publisher_.take(*tick.figures);
  leases_.look(now, tick.server_seconds, tick.leases);
  if (const auto free = leases_.next(now)) tick.next = std::min(tick.next.value_or(free->left()), free->left());
  return tick;
}

/// The news of a task whose outbox rows met a lock: the same key is never told twice.
void Daemon::tell_owed() {
  const bool webhook = !settings_.notify.webhook_url.empty();
  while (!owed_.empty()) {
    try {
      db::Transaction tx(link_.session());
      notify::enqueue(tx, owed_.back(), webhook);
      tx.commit();
    } catch (const Error& e) {
      if (db::may_pass(e)) {
        link_.drop();
        return;
      }
      log::error("notify.refused", e.what(), {{"hint", e.hint()}});
    }
    owed_.pop_back();
  }
}

/// Old rows go, a batch at a time. A role without the right to delete is told of once.
void Daemon::keep_house() {
  housekeeping_ = Deadline::in(kBetweenHousekeeping);
  try {
    if (queue::prune_batch(link_.session(), queue::PruneRules{}).more) housekeeping_ = Deadline::in(kBetweenBatches);
    housekeeping_failed_ = false;
  } catch (const Error& e) {
    if (db::may_pass(e)) throw;
    if (!housekeeping_failed_) log::warn("housekeeping.failed", e.what(), {{"hint", e.hint()}});
    housekeeping_failed_ = true;
  }
}

/// Takes down the maintenance that is over. A proxy that refuses is asked again at the next tick.
void Daemon::close_windows() {
  StopPulse pulse(stop_, publisher_);
  try {
    if (maintenance::close_due([&]() -> db::Session& { return link_.session(); }, settings_.maintenance, pulse)) {
      log::info("maintenance.closed", "the site is out of maintenance: the last window is over");
    }
    stuck_ = false;
  } catch (const Error& e) {
    if (stop_.requested()) return;
    if (dynamic_cast<const maintenance::ProxyError*>(&e) == nullptr) throw;
    if (!stuck_) log::error("maintenance.stuck", e.what(), {{"hint", e.hint()}});
    stuck_ = true;
  }
}

/// A proxy that was reloaded may have forgotten that the site is in maintenance.
void Daemon::show_windows_again() {
  StopPulse pulse(stop_, publisher_);
  try {
    if (maintenance::show_again([&]() -> db::Session& { return link_.session(); }, settings_.maintenance, pulse)) {
      log::warn("maintenance.shown_again", "the proxy had forgotten the maintenance, as at a reload: it shows it again",
                {{"hint", "let the agent write the map's file and its folder, so that a reload keeps it"}});
    }
    forgotten_ = false;
  } catch (const Error& e) {
    if (stop_.requested()) return;
    if (dynamic_cast<const maintenance::ProxyError*>(&e) == nullptr) throw;
    if (!forgotten_) log::error("maintenance.not_shown", e.what(), {{"hint", e.hint()}});
    forgotten_ = true;
  }
}

Deadline Daemon::failed(const Error& e) {
  const auto remedy = db::remedy(e);
  const bool is_first = backoff_.tries() == 0;
  const Deadline again = Deadline::in(backoff_.next());
  if (remedy == db::Remedy::repeat) {
    if (is_first) log::warn("database.conflict", e.what(), {{"hint", e.hint()}});
    return again;
  }
  if (is_first)
    log::error(remedy == db::Remedy::wait ? "database.away" : "database.refused", e.what(), {{"hint", e.hint()}});
  link_.drop();
  publisher_.status().database_is_away();
  return again;
}

/// The database took a write: that it lets us connect alone says little.
void Daemon::answered() {
  if (backoff_.tries() > 0) log::info("database.back", "the database answers again");
  backoff_.reset();
  publisher_.status().database_answers();
  publisher_.status().reconnects = link_.reconnects();
}

void Daemon::deliver() noexcept {
  if (stop_.requested()) sender_.finish();
  StopPulse hurry(stop_, publisher_);
  agent::deliver(sender_, kDeliveryTime, hurry);
}

void Daemon::sign_out() noexcept {
  if (!signed_in_ || !link_.connected()) return;
  try {
    queue::leave(link_.session(), me_);
  } catch (const Error& e) {
    log::warn("agent.sign_out", e.what());
  }
}

}  // namespace wrktalk::agent
