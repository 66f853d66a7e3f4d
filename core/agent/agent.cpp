// SPDX-License-Identifier: Apache-2.0
#include "core/agent/agent.hpp"

#include "core/agent/daemon.hpp"
#include "core/agent/notifications.hpp"
#include "core/agent/secrets.hpp"
#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/db/encoding.hpp"
#include "core/log/log.hpp"
#include "core/queue/target.hpp"
#include "core/queue/tick.hpp"

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

/// Waits for a notification, a signal or `until`. True when woken by a notification.
bool wait_for_work(Daemon& daemon, Stop& stop, Deadline until) {
  while (!until.passed() && !stop.requested()) {
    if (daemon.link().heard()) return true;
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

void announce(const Settings& settings, db::Session& db) {
  const std::string encoding = db.run("SELECT getdatabaseencoding()")[0][0].c_str();
  const std::string lost = db::lost_by_encoding(encoding);
  if (!lost.empty()) log::warn("database.encoding", lost, {{"hint", db::kEncodingHint}});
  std::vector<std::string> names;
  for (const auto& target : settings.targets) names.push_back(target.name);
  log::info("agent.started", "waiting for tasks", {{"agent", settings.agent_id}, {"targets", base::join(names, ",")}});
}

}  // namespace

queue::Claimant sign_in(db::Session& db, const Settings& settings) {
  queue::require_schema(db);
  queue::Claimant me{settings.agent_id, random_uuid(), WRKTALK_VERSION, {}};
  for (const auto& target : settings.targets) {
    queue::register_target(db, {target.name, base::to_text(target.kind), base::chart_type(target.kind),
                                target.namespace_, target.release, target.project});
    me.targets.push_back(target.name);
  }
  return me;
}

Summary poll_once(const Settings& settings, Stop& stop) {
  sweep_secrets_dirs(settings);
  StatusPublisher publisher(settings, stop);
  Daemon daemon(settings, stop, publisher, Listen::no);
  daemon.ready();
  const Summary summary = daemon.run_due(1);
  daemon.tick();
  daemon.sign_out();
  daemon.deliver();
  return summary;
}

Summary drain(const Settings& settings, Stop& stop) {
  sweep_secrets_dirs(settings);
  StatusPublisher publisher(settings, stop);
  Daemon daemon(settings, stop, publisher, Listen::no);
  daemon.ready();
  Summary summary = daemon.run_due();
  // A tick may end what stood in a task's way, such as an orphan of a v4.2 agent.
  while (!stop.requested() && daemon.tick().due) {
    const Summary more = daemon.run_due();
    if (more.completed + more.failed == 0) break;  // another agent has it at this moment, or it was given back
    summary.completed += more.completed;
    summary.failed += more.failed;
    if (more.failed > 0) summary.exit_code = more.exit_code;
  }
  daemon.sign_out();
  daemon.deliver();
  return summary;
}

void loop(const Settings& settings, Stop& stop) {
  sweep_secrets_dirs(settings);
  StatusPublisher publisher(settings, stop);
  publisher.begin();
  Daemon daemon(settings, stop, publisher, settings.poll_only ? Listen::no : Listen::tried);
  bool first = true;
  bool woken = true;
  while (!stop.requested()) {
    try {
      if (settings.credentials != nullptr && settings.credentials->due().passed()) settings.credentials->keep();
      daemon.ready();
      if (first) {
        for (const auto& target : settings.targets) deploy::own_root(target, settings.deploy);
        daemon.refuse_twin();
        announce(settings, daemon.link().session());
      }
      first = false;
      woken = round(daemon, settings, stop, woken);
    } catch (const Error& e) {
      if (first && e.kind() == Kind::configuration && !db::may_pass(e)) throw;
      woken = true;
      wait_for_work(daemon, stop, daemon.failed(e));
    } catch (const std::exception& e) {
      woken = true;
      wait_for_work(daemon, stop, daemon.failed(Error(Kind::failed, std::string("unexpected: ") + e.what())));
    }
  }
  daemon.sign_out();
  daemon.deliver();
  log::info("agent.stopped", "ended");
}

TaskResult run_now(const Settings& settings, Stop& stop, const queue::NewTask& task) {
  sweep_secrets_dirs(settings);
  DatabaseLink link(settings.database, Listen::direct, settings.credentials);
  const auto me = sign_in(link.session(), settings);
  const auto claim = db::repeated([&] { return queue::claim_new(link.session(), me, task, settings.lease()); });
  StatusPublisher publisher(settings, stop);
  base::NoPulse nothing;
  std::vector<notify::NewNotification> owed;
  return run_claimed(claim, {settings, link, stop, publisher, nothing, owed});
}

void deliver_news(const Settings& settings, Stop& stop) noexcept {
  notify::OutboxSender sender(settings.notify, [&] { return settings.database; });
  sender.wake();
  base::NoPulse nothing;
  StopPulse hurry(stop, nothing);
  deliver(sender, kDeliveryTime, hurry);
}

}  // namespace wrktalk::agent
