// SPDX-License-Identifier: Apache-2.0
#include "core/agent/data_steps.hpp"
#include "core/agent/task_context.hpp"
#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/log/log.hpp"
#include "core/maintenance/maintenance.hpp"

#include <algorithm>

namespace wrktalk::agent {
namespace {

using base::Error;
using base::Kind;
using deploy::StepError;

deploy::Release fetch_release(TaskContext& context, const artifact::Artifact& artifact, const std::string& tree) {
  auto release = context.store.fetch(artifact, tree, context.lease);
  release.update_crds = queue::parse_payload(context.claim.task.payload).update_crds;
  release.keep = manifest_of(artifact).keep;
  context.status.artifact_bytes += artifact.size_bytes;
  return release;
}

void fetch(TaskContext& context) {
  if (context.held_revision) return;  // the target holds it; fetched in `apply` when it does not
  const auto& artifact = *context.artifact;
  context.release = fetch_release(context, artifact, context.deployer.home(artifact.version));
  context.journal.note("fetch", "release " + artifact.version + " (" + base::human_size(artifact.size_bytes) +
                                    ") fetched, sha256 " + artifact.sha256.substr(0, 12) + " verified");
}

/// What ran before may be needed when Vault is away: what its settings refer to is read now.
void prepare_way_back(TaskContext& context) {
  const auto& before = context.memory.before;
  if (!before || !before->artifact_id || !context.deployer.runs_with_variables()) return;
  try {
    context.store.prepare_site_of_before(*before->artifact_id, context.lease);
  } catch (const Error& e) {
    if (e.kind() == Kind::lease_lost || db::may_pass(e) || context.lease.ended_at_once()) throw;
    context.journal.note("check",
                         std::string("should this task fail, what ran before lacks its settings: ") + e.what());
  }
}

/// What the release cannot do without must have a value, from wherever it comes.
void check_settings(TaskContext& context) {
  const auto missing = missing_settings(*context.release, manifest_of(*context.artifact).required);
  if (missing.empty()) return;
  throw Error(Kind::artifact, missing_settings_text(*context.artifact, missing), kMissingSettingsHint);
}

/// What it warns of is part of the task's story.
void check_release(TaskContext& context) {
  for (const auto& remark : context.store.add_site(*context.release, context.artifact->id, context.lease)) {
    context.journal.note("check", remark);
  }
  check_settings(context);
  prepare_way_back(context);
  for (const auto& warning : context.deployer.check(*context.release, context.lease)) {
    context.journal.note("check", warning);
  }
  for (const auto& remark : context.deployer.preview(*context.release, context.lease)) {
    context.journal.note("check", remark);
  }
}

void check(TaskContext& context) {
  if (context.release) check_release(context);
  plan_data(context);
}

bool brings_images(const TaskContext& context) { return context.release && context.deployer.images() != nullptr; }

/// Before the site is in maintenance: it may take long.
void images(TaskContext& context) {
  const std::string words = context.deployer.images()->bring(*context.release, context.lease);
  if (!words.empty()) context.journal.note("images", words);
}

void maintenance_on(TaskContext& context) {
  context.store.open_window(context.claim.task.type + " of " + context.artifact->version, context.lease);
}

void close_window(TaskContext& context, bool of_target) {
  try {
    if (!context.store.close_window(of_target, context.lease)) {
      context.journal.note("maintenance-off", "the site stays in maintenance: somebody else holds it there");
    }
  } catch (const maintenance::ProxyError& e) {
    // The release runs as it should: a proxy that cannot be switched is no reason to put it back.
    log::error("maintenance.stuck", e.what(), {{"task_id", context.claim.task.id}, {"hint", e.hint()}});
    context.journal.note("maintenance-off", std::string("THE SITE STAYS IN MAINTENANCE: ") + e.what());
  }
}

void maintenance_off(TaskContext& context) { close_window(context, true); }
void leave_maintenance(TaskContext& context) { close_window(context, false); }

void apply(TaskContext& context) {
  if (context.held_revision) {
    context.applied = context.deployer.revisions()->go_to(*context.held_revision, context.lease);
    if (context.applied) {
      context.journal.note("apply", context.applied->summary);
      return;
    }
    context.journal.note("apply", "revision " + std::to_string(*context.held_revision) +
                                      " is no longer held by the target: deploying the stored release");
    context.release = fetch_release(context, *context.artifact, context.deployer.home(context.artifact->version));
    check_release(context);
  }
  context.applied = context.deployer.apply(*context.release, context.lease);
  context.journal.note("apply", context.applied->summary);
}

/// A holder that took the task over after its apply has no release at hand: its tree lies where it runs.
void health(TaskContext& context) {
  deploy::Release release;
  if (!context.release && context.deployer.runs_programs()) {
    release = context.store.without_tree(context.artifact->id, context.lease);
    context.store.add_site(release, context.artifact->id, context.lease);
  }
  release.version = context.artifact->version;
  context.deployer.health(context.release.value_or(release), context.lease);
}

/// New settings of the release for the application. That they are missing does not make it run worse than before.
void add_server_env(TaskContext& context) {
  if (context.claim.task.type != "deploy" || !context.artifact->has_server_env) return;
  try {
    const auto keys = context.store.add_server_env(*context.artifact, context.lease);
    if (!keys.empty()) context.journal.note("server-env", "settings added: " + base::join(keys, ", "));
  } catch (const Error& e) {
    if ((e.kind() != Kind::database && e.kind() != Kind::configuration) || db::may_pass(e)) throw;
    log::warn("server_env.failed", e.what(), {{"task_id", context.claim.task.id}});
    context.journal.note("server-env", std::string("the release's settings could not be added: ") + e.what());
  }
}

void add_site_of_before(TaskContext& context, deploy::Release& release, const std::string& artifact_id) {
  for (const auto& remark : context.store.add_site_of_before(release, artifact_id, context.lease))
    context.journal.note("put-back", remark);
}

/// Programs of the site's see what they saw of it before.
void give_variables_of_before(TaskContext& context, const WhatRan& before) {
  if (!before.artifact_id || !context.deployer.runs_programs()) return;
  try {
    auto release = context.store.without_tree(*before.artifact_id, context.lease);
    add_site_of_before(context, release, *before.artifact_id);
    context.deployer.give_variables_of_before(release.env_file);
  } catch (const Error& e) {
    if (e.kind() == Kind::lease_lost || db::may_pass(e) || context.lease.ended_at_once()) throw;
    context.journal.note("put-back", std::string("what ran before is put back without its settings: ") + e.what());
  }
}

/// What ran before as it is stored, unpacked; nothing when the target does not need it or the database has it not.
std::optional<deploy::Release> stored_release_before(TaskContext& context, const WhatRan& before) {
  try {
    if (!before.artifact_id || !context.deployer.needs_tree_to_put_back(before.seen, context.lease))
      return std::nullopt;
    const auto artifact = context.store.find_artifact(*before.artifact_id, context.lease);
    auto release = fetch_release(context, artifact, context.deployer.home_beside(artifact.version, before.seen));
    add_site_of_before(context, release, artifact.id);
    return release;
  } catch (const Error& e) {
    if (e.kind() == Kind::lease_lost || db::may_pass(e) || context.lease.ended_at_once()) throw;
    throw StepError(StepError::Left::not_put_back, "what ran before cannot be brought back: " + std::string(e.what()),
                    e.hint());
  }
}

deploy::Applied put_back_with(TaskContext& context, const WhatRan& before,
                              const std::optional<deploy::Release>& stored) {
  try {
    return context.deployer.put_back(before.seen, stored, context.lease);
  } catch (const StepError& e) {
    if (e.left() != StepError::Left::dirty) throw;
    // The target's own ways led nowhere: the stored release is the last one.
    if (stored) throw StepError(StepError::Left::not_put_back, e.what(), e.hint(), e.evidence());
    context.journal.note("put-back", e.what());
    const auto found = stored_release_before(context, before);
    if (!found) throw StepError(StepError::Left::not_put_back, e.what(), e.hint(), e.evidence());
    return put_back_with(context, before, found);
  }
}

}  // namespace

const std::vector<Step>& steps() {
  using Touches = Step::Touches;
  using Resume = Step::Resume;
  static const std::vector<Step> kSteps = {
      //  name             touches               resume              run             undo
      {"resolve", Touches::nothing, Resume::from_start, resolve, nullptr},
      {"fetch", Touches::nothing, Resume::from_start, fetch, nullptr},
      {"check", Touches::nothing, Resume::from_start, check, nullptr},
      {"images", Touches::nothing, Resume::from_start, images, nullptr, brings_images},
      {"maintenance-on", Touches::maintenance, Resume::from_start, maintenance_on, leave_maintenance},
      {"backup", Touches::nothing, Resume::from_start, back_up, nullptr, needs_backup},
      {"migrate", Touches::databases, Resume::from_start, migrate_data, undo_data, needs_migrations},
      {"apply", Touches::target, Resume::from_start, apply, put_back},
      {"health", Touches::nothing, Resume::here, health, nullptr},
      {"server-env", Touches::nothing, Resume::to_record, add_server_env, nullptr},
      {"maintenance-off", Touches::maintenance, Resume::to_record, maintenance_off, nullptr},
  };
  return kSteps;
}

std::optional<std::size_t> row_of(std::string_view name) {
  const auto& all = steps();
  const auto row = std::find_if(all.begin(), all.end(), [&](const Step& step) { return name == step.name; });
  if (row == all.end()) return std::nullopt;
  return static_cast<std::size_t>(row - all.begin());
}

bool touches_target(std::size_t row) {
  const auto& all = steps();
  return std::any_of(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(row) + 1,
                     [](const Step& step) { return step.touches == Step::Touches::target; });
}

void put_back(TaskContext& context) {
  const observe::Stopwatch stopwatch(context.status.phases["put-back"]);
  const auto& before = context.memory.before;
  if (!before || before->seen.state == deploy::Before::State::unknown) {
    throw StepError(StepError::Left::not_put_back,
                    "what ran before is not known, so nothing was put back or removed" +
                        (before && !before->seen.detail.empty() ? ": " + before->seen.detail : ""),
                    "look at the target, bring back what should run, then switch maintenance off");
  }
  // What ran before finds its schema when it starts.
  undo_data(context);
  const auto stored = stored_release_before(context, *before);
  if (!stored) give_variables_of_before(context, *before);
  const auto applied = put_back_with(context, *before, stored);
  context.journal.note("put-back", applied.summary);
}

void with_database(TaskContext& context, const std::function<void()>& act) {
  base::Backoff backoff;
  for (;;) {
    try {
      context.lease.regain();
      context.lease.tick();
      act();
      context.status.database_answers();
      return;
    } catch (const Error& e) {
      const auto remedy = db::remedy(e);
      if (remedy == db::Remedy::none) throw;
      if (remedy == db::Remedy::wait) {
        context.store.drop_connection();
        context.status.database_is_away();
      }
      if (backoff.tries() == 0)
        log::warn(remedy == db::Remedy::wait ? "database.away" : "database.conflict", e.what(),
                  {{"task_id", context.claim.task.id}});
      context.lease.wait(base::Deadline::in(backoff.next()));
    } catch (const std::exception& e) {
      // What no library of ours translates fails this task, and nothing else.
      throw Error(Kind::failed, std::string("unexpected: ") + e.what());
    }
  }
}

}  // namespace wrktalk::agent
