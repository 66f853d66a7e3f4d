// SPDX-License-Identifier: Apache-2.0
#include "core/agent/database_store.hpp"

#include "core/agent/schema.hpp"
#include "core/agent/secrets.hpp"
#include "core/artifact/server_env.hpp"
#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/log/log.hpp"

#include <nlohmann/json.hpp>

#include <functional>

namespace wrktalk::agent {
namespace {

using base::Error;
using base::Kind;
using nlohmann::ordered_json;

/// The text values of a JSON object in plain ASCII.
std::string plain_json(const std::string& text) {
  auto json = ordered_json::parse(text, nullptr, false);
  if (!json.is_object()) return "{}";
  for (auto& value : json) {
    if (value.is_string()) value = base::plain_ascii(value.get<std::string>());
  }
  return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

queue::Ending plain(queue::Ending ending) {
  if (ending.error_message) ending.error_message = base::plain_ascii(*ending.error_message);
  ending.result = plain_json(ending.result);
  return ending;
}

/// Without any text of tools and people.
queue::Ending bare(const queue::Ending& ending) {
  queue::Ending out = ending;
  out.error_message.reset();
  if (ending.error_message) out.error_message = "the database refused the reason: look into the agent's log";
  const auto full = ordered_json::parse(ending.result, nullptr, false);
  ordered_json kept = ordered_json::object();
  for (const char* name : {"state", "artifact_id", "revision", "attempt", "exit_code"}) {
    if (full.is_object() && full.contains(name)) kept[name] = full[name];
  }
  out.result = kept.dump();
  return out;
}

bool is_permanent(const Error& e) { return e.kind() != Kind::lease_lost && !db::may_pass(e); }

/// Runs `act` under a savepoint. Nothing, or why the database did not take it; the transaction goes on then.
std::optional<db::SqlError> under_savepoint(db::Transaction& tx, const std::function<void()>& act) {
  tx.run("SAVEPOINT optional");
  try {
    act();
    tx.run("RELEASE SAVEPOINT optional");
    return std::nullopt;
  } catch (const db::SqlError& e) {
    if (e.kind() == Kind::connection_lost) throw;
    tx.run("ROLLBACK TO SAVEPOINT optional");
    return e;
  }
}

}  // namespace

queue::TargetRow DatabaseStore::target() {
  const auto row = queue::find_target(link_.session(), claim_.target);
  if (!row) throw Error(Kind::failed, "target " + claim_.target + " is gone");
  return *row;
}

ResolvedRelease DatabaseStore::find_goal(const queue::StoredGoal& stored, const queue::TargetRow& target,
                                         deploy::Deployer& deployer, base::Pulse& pulse) {
  for (const auto& id : {target.current_artifact_id, target.previous_artifact_id}) {
    if (id) hide_secrets_of(*id, pulse);
  }
  auto goal = agent::find_goal(link_, deployer, claim_.task, stored, target, pulse);
  const auto use = use_of_task();
  const bool asks_for_it = queue::parse_payload(claim_.task.payload).target_revision.has_value();
  if (goal.held_revision && !asks_for_it) leave_to_site(goal, site(), use, link_.session(), claim_.target);
  hide_secrets_of(goal.artifact.id, pulse);
  return goal;
}

std::optional<std::string> DatabaseStore::artifact_of_version(const std::string& version) {
  const auto kind = deploy::parse_target(claim_.target).kind;
  return queue::artifact_of_version(link_.session(), base::chart_type(kind), version);
}

std::string DatabaseStore::schema_problem(const artifact::Artifact& artifact, base::Pulse& pulse) {
  return agent::schema_problem(link_, settings_.checkpoint_database, artifact, pulse);
}

WayUp DatabaseStore::way_up(const artifact::Artifact& artifact, const deploy::Before& seen, base::Pulse& pulse) {
  if (artifact.manifest.empty()) return {{}, {}, {artifact.id}};
  auto db = link_.raw();
  return agent::way_up(db, artifact, seen, pulse);
}

void DatabaseStore::remember(const queue::Memory& memory) { queue::remember(link_.session(), claim_, memory); }

void DatabaseStore::begin_step(const std::string& phase, const std::string& reached) {
  queue::begin_step(link_.session(), claim_, phase, reached);
}

void DatabaseStore::add_event(const std::string& phase, const std::string& message) {
  queue::add_event(link_.session(), claim_, phase, message);
}

artifact::Artifact DatabaseStore::find_artifact(const std::string& id, base::Pulse& pulse) {
  hide_secrets_of(id, pulse);
  auto db = link_.raw();
  return artifact::find(db, id, std::nullopt, pulse);
}

/// Names that messages about this task are made of.
std::vector<std::string> DatabaseStore::public_words() const {
  std::vector<std::string> words = {claim_.target, claim_.task.id, settings_.agent_id, settings_.deploy.host_root,
                                    claim_.task.type};
  if (claim_.task.version) words.push_back(*claim_.task.version);
  return words;
}

void DatabaseStore::hide_secrets_of(const std::string& artifact_id, base::Pulse& pulse) {
  if (hidden_.count(artifact_id) != 0) return;
  auto db = link_.raw();
  hidden_.try_emplace(artifact_id, secrets_of(db, artifact_id, public_words(), pulse));
}

const base::TempDir& DatabaseStore::secrets() {
  if (!secrets_) secrets_ = make_secrets_dir(settings_);
  return *secrets_;
}

deploy::Release DatabaseStore::fetch(const artifact::Artifact& artifact, const std::string& tree, base::Pulse& pulse) {
  hide_secrets_of(artifact.id, pulse);
  auto db = link_.raw();
  const auto verified = artifact::fetch(db, artifact, tree, settings_.limits, pulse);
  auto release = release_with_secrets(db, artifact, verified.path(), secrets(), pulse);
  if (claim_.task.type != "rollback") return release;
  if (const auto seen = queue::last_seen_running(link_.session(), claim_.target, artifact.id)) {
    release.ran = deploy::before_from_json(*seen);
  }
  return release;
}

std::string DatabaseStore::tree_apart(const artifact::Artifact& artifact, base::Pulse& pulse) {
  if (!apart_) apart_.emplace(base::temporary_parent(), "wrktalk-look-", base::TempDir::Holds::no_secrets);
  const std::string path = apart_->path() + "/" + artifact.id;
  if (base::exists(path)) return path;
  auto db = link_.raw();
  return artifact::fetch(db, artifact, path, settings_.limits, pulse).path();
}

Site& DatabaseStore::site() {
  if (!site_) site_.emplace(settings_, deploy::parse_target(claim_.target), public_words());
  return *site_;
}

/// What is written down costs a statement, and what is not (most sites set nothing) costs none: a task whose row remembers what ran before has had
/// its use written down already, unless it uses nothing.
site::Use DatabaseStore::use_of_task() {
  if (use_) return *use_;
  const auto known = site::known_of(link_.session(), claim_.target, claim_.task.id);
  site::Use use;
  if (known.fixed) {
    use = *known.fixed;
  } else if (!claim_.task.before) {
    const auto now = site().now_with(known.newest);
    use = now.use;
    // Of a file that cannot be read whoever reads it says why.
    if (!now.is_certain) use.file_sha256.emplace();
    site::fix_use(link_.session(), claim_.task.id, use);
  }
  site_was_used_ = known.was_used;
  use_ = use;
  return use;
}

site::Use DatabaseStore::use_of_before(const std::string& artifact_id) {
  const auto use = use_of_task();
  if (!site_was_used_) return {};
  return site::use_of_running(link_.session(), claim_.target, artifact_id).value_or(use);
}

std::vector<std::string> DatabaseStore::add_site(deploy::Release& release, const std::string& artifact_id,
                                                 base::Pulse& pulse) {
  const auto use = use_of_task();
  if (use.is_empty() && !site_was_used_) return {};
  auto remarks = site().add_to(release, use, secrets().path() + "/" + artifact_id, "site", link_.session(), pulse);
  release.resets_values = release.resets_values || site_was_used_;
  std::vector<site::Use> others;
  const auto row = target();
  for (const auto& id : {row.current_artifact_id, row.previous_artifact_id}) {
    if (id) others.push_back(use_of_before(*id));
  }
  site().keep_file(use, others);
  if (use.revision)
    remarks.insert(remarks.begin(), "with revision " + std::to_string(*use.revision) + " of the site's settings");
  if (use.file_sha256) remarks.insert(remarks.begin(), "with the site's file");
  return remarks;
}

void DatabaseStore::prepare_site_of_before(const std::string& artifact_id, base::Pulse& pulse) {
  if (use_of_before(artifact_id).is_empty()) return;
  auto release = without_tree(artifact_id, pulse);
  add_site_of_before(release, artifact_id, pulse);
}

std::vector<std::string> DatabaseStore::add_site_of_before(deploy::Release& release, const std::string& artifact_id,
                                                           base::Pulse& pulse) {
  auto& db = link_.session();
  const std::string folder = secrets().path() + "/" + artifact_id;
  return site().add_to(release, use_of_before(artifact_id), folder, "site-before", db, pulse);
}

deploy::Release DatabaseStore::without_tree(const std::string& artifact_id, base::Pulse& pulse) {
  hide_secrets_of(artifact_id, pulse);
  auto db = link_.raw();
  return release_with_secrets(db, artifact::find(db, artifact_id, std::nullopt, pulse), {}, secrets(), pulse);
}

std::vector<std::string> DatabaseStore::add_server_env(const artifact::Artifact& artifact, base::Pulse& pulse) {
  auto db = link_.raw();
  return artifact::add_server_env(db, artifact.id, pulse);
}

maintenance::Sessions DatabaseStore::sessions() {
  return [this]() -> db::Session& { return link_.session(); };
}

void DatabaseStore::open_window(const std::string& reason, base::Pulse& pulse) {
  maintenance::Opening opening;
  opening.owner = claim_.task.id;
  opening.target = claim_.target;
  opening.reason = reason;
  opening.opened_by = settings_.agent_id;
  maintenance::open(sessions(), settings_.maintenance, opening, pulse);
}

bool DatabaseStore::close_window(bool of_target, base::Pulse& pulse) {
  const auto target = of_target ? std::optional<std::string>(claim_.target) : std::nullopt;
  return maintenance::close(sessions(), settings_.maintenance, claim_.task.id, target, pulse);
}

void DatabaseStore::record(const queue::Ending& ending, const std::string& message,
                           const std::vector<notify::NewNotification>& events) {
  try {
    record_once(ending, message, events);
    return;
  } catch (const Error& e) {
    if (!is_permanent(e)) throw;
    log::error("record.refused", std::string("the outcome is written in plain ASCII, because ") + e.what(),
               {{"task_id", claim_.task.id}, {"hint", e.hint()}});
  }
  link_.drop();
  try {
    record_once(plain(ending), base::plain_ascii(message), events);
    return;
  } catch (const Error& e) {
    if (!is_permanent(e)) throw;
    log::error("record.refused", std::string("the outcome is written without its reason, because ") + e.what(),
               {{"task_id", claim_.task.id}, {"hint", e.hint()}});
  }
  link_.drop();
  record_once(bare(ending), base::plain_ascii(message), events);
}

void DatabaseStore::record_once(const queue::Ending& ending, const std::string& message,
                                const std::vector<notify::NewNotification>& events) {
  std::vector<notify::NewNotification> owed;
  db::Transaction tx(link_.session());
  queue::record(tx, claim_, ending);
  if (const auto refused = under_savepoint(tx, [&] { queue::add_last_event(tx, claim_, message); })) {
    log::error("story.refused", refused->what(), {{"task_id", claim_.task.id}, {"hint", refused->hint()}});
  }
  // Somebody's lock on the outbox or the admins must not hold up the outcome.
  tx.run("SET LOCAL lock_timeout = '2s'");
  const bool webhook = !settings_.notify.webhook_url.empty();
  for (const auto& event : events) {
    auto refused = under_savepoint(tx, [&] { notify::enqueue(tx, event, webhook); });
    if (refused && !db::may_pass(*refused)) {
      auto plain_event = event;
      plain_event.data = plain_json(event.data);
      refused = under_savepoint(tx, [&] { notify::enqueue(tx, plain_event, webhook); });
    }
    if (!refused) continue;
    if (db::may_pass(*refused)) owed.push_back(event);
    log::error(db::may_pass(*refused) ? "notify.waits" : "notify.refused",
               "the admins are not told of this task" + std::string(db::may_pass(*refused) ? " yet: " : ": ") +
                   refused->what(),
               {{"task_id", claim_.task.id}, {"hint", refused->hint()}});
  }
  tx.commit();
  owed_ = std::move(owed);
}

bool DatabaseStore::is_recorded() { return queue::is_recorded(link_.session(), claim_); }

void DatabaseStore::release(const std::string& why, std::chrono::milliseconds pause) {
  queue::release(link_.session(), claim_, why, pause);
}

std::vector<std::string> DatabaseStore::versions_in_use() {
  const auto row = target();
  std::vector<std::string> versions;
  for (const auto& version : {row.current_version, row.previous_version}) {
    if (version) versions.push_back(*version);
  }
  return versions;
}

}  // namespace wrktalk::agent
