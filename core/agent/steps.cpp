// SPDX-License-Identifier: Apache-2.0
#include "core/agent/secrets.hpp"
#include "core/agent/work.hpp"
#include "core/artifact/server_env.hpp"
#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/db/raw.hpp"
#include "core/log/log.hpp"

namespace wrktalk::agent {
namespace {

using base::Error;
using base::Kind;

/// The release whose tree lies on this machine, with its env and values files in the task's private folder.
deploy::Release with_secrets(Work& work, db::raw::Connection& db, const artifact::Artifact& artifact,
                             const std::string& tree) {
  if (!work.secrets) work.secrets = make_secrets_dir(work.settings);
  return release_with_secrets(db, artifact, tree, *work.secrets, work.heart);
}

deploy::Release fetched(Work& work, const artifact::Artifact& artifact) {
  auto db = work.link.raw();
  const auto tree =
      artifact::fetch(db, artifact, work.deployer.home(artifact.version), work.settings.limits, work.heart);
  work.watch.status().artifact_bytes += artifact.size_bytes;
  return with_secrets(work, db, artifact, tree.path());
}

/// What ran before the task. Its tree is used as it lies there, since what runs has it mounted; it is fetched when it is gone, or when
/// the task has unpacked another release of the same version in its place.
deploy::Release release_before(Work& work, const artifact::Artifact& artifact) {
  const std::string tree = work.deployer.home(artifact.version);
  const bool replaced = work.release && work.release->tree == tree && work.artifact->id != artifact.id;
  if (replaced || !base::exists(tree)) return fetched(work, artifact);
  auto db = work.link.raw();
  return with_secrets(work, db, artifact, tree);
}

void fetch(Work& work) {
  if (work.held_revision) return;  // the target holds it; fetched in `apply` when it does not
  work.release = fetched(work, *work.artifact);
  work.journal.note("fetch", "release " + work.artifact->version + " (" + base::human_size(work.artifact->size_bytes) +
                                 ") fetched, sha256 " + work.artifact->sha256.substr(0, 12) + " verified");
}

void check(Work& work) {
  if (work.release) work.deployer.check(*work.release, work.heart);
}

void maintenance_on(Work& work) {
  maintenance::Opening opening;
  opening.owner = work.claim.task.id;
  opening.target = work.claim.target;
  opening.reason = work.claim.task.type + " of " + work.artifact->version;
  opening.opened_by = work.settings.agent_id;
  maintenance::open(work.link.session(), work.settings.maintenance, opening, work.heart);
}

/// Closes the task's window; `of_target`: and those that earlier tasks on its target left open because they could not put it back.
void close_window(Work& work, const std::optional<std::string>& of_target) {
  try {
    if (!maintenance::close(work.link.session(), work.settings.maintenance, work.claim.task.id, of_target,
                            work.heart)) {
      work.journal.note("maintenance-off", "the site stays in maintenance: somebody else holds it there");
    }
  } catch (const Error& e) {
    // The release runs as it should: a proxy that cannot be switched is no reason to put it back.
    if (e.kind() != Kind::configuration && e.kind() != Kind::child) throw;
    log::error("maintenance.stuck", e.what(), {{"task_id", work.claim.task.id}, {"hint", e.hint()}});
    work.journal.note("maintenance-off", std::string("THE SITE STAYS IN MAINTENANCE: ") + e.what());
  }
}

void maintenance_off(Work& work) { close_window(work, work.claim.target); }

void apply(Work& work) {
  if (work.held_revision) {
    work.applied = work.deployer.roll_back_to(*work.held_revision, work.heart);
    if (work.applied) {
      work.journal.note("apply", work.applied->summary);
      return;
    }
    work.journal.note("apply", "revision " + std::to_string(*work.held_revision) +
                                   " is no longer held by the target: deploying the stored release");
    work.release = fetched(work, *work.artifact);
    work.deployer.check(*work.release, work.heart);
  }
  work.applied = work.deployer.apply(*work.release, work.heart);
  work.journal.note("apply", work.applied->summary);
}

void health(Work& work) {
  if (work.release) work.deployer.health(*work.release, work.heart);
}

/// New settings of the release for the application. That they are missing does not make it run worse than before.
void add_server_env(Work& work) {
  if (work.claim.task.type != "deploy" || !work.artifact->has_server_env) return;
  try {
    auto db = work.link.raw();
    const auto keys = artifact::add_server_env(db, work.artifact->id, work.heart);
    if (!keys.empty()) work.journal.note("server-env", "settings added: " + base::join(keys, ", "));
  } catch (const Error& e) {
    if (e.kind() != Kind::database && e.kind() != Kind::configuration) throw;
    log::warn("server_env.failed", e.what(), {{"task_id", work.claim.task.id}});
    work.journal.note("server-env", std::string("the release's settings could not be added: ") + e.what());
  }
}

}  // namespace

const std::vector<Step>& steps() {
  static const std::vector<Step> kSteps = {
      //  name             run              undo
      {"resolve", resolve, nullptr},
      {"fetch", fetch, nullptr},
      {"check", check, nullptr},
      {"maintenance-on", maintenance_on, leave_maintenance},
      {"apply", apply, put_back},
      {"health", health, nullptr},
      {"server-env", add_server_env, nullptr},
      {"maintenance-off", maintenance_off, nullptr},
  };
  return kSteps;
}

void leave_maintenance(Work& work) { close_window(work, std::nullopt); }

void put_back(Work& work) {
  using deploy::StepError;
  const observe::Stopwatch stopwatch(work.watch.status().phases["put-back"]);
  std::optional<deploy::Release> before;
  const auto& id = work.before.current_artifact_id;
  try {
    if (id && work.deployer.needs_tree_to_put_back()) {
      auto db = work.link.raw();
      before = release_before(work, artifact::find(db, *id, std::nullopt, work.heart));
    }
  } catch (const Error& e) {
    if (e.kind() == Kind::lease_lost || e.kind() == Kind::connection_lost) throw;
    throw StepError(StepError::Left::not_put_back, "what ran before cannot be brought back: " + std::string(e.what()),
                    e.hint());
  }
  const auto applied = work.deployer.put_back(before, work.before.revision, work.heart);
  work.journal.note("put-back", applied.summary);
}

}  // namespace wrktalk::agent
