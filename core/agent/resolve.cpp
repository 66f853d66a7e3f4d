// SPDX-License-Identifier: Apache-2.0
#include "core/agent/goal.hpp"
#include "core/agent/schema.hpp"
#include "core/agent/work.hpp"
#include "core/base/error.hpp"

namespace wrktalk::agent {
namespace {

using base::Error;
using base::Kind;

/// Somebody may have changed the target behind our back (helm rollback, a link, compose down): what really runs is what counts, for the
/// flags and for putting it back.
void look_at_what_runs(Work& work) {
  using State = deploy::Observed::State;
  const auto seen = work.deployer.observe(work.heart);
  auto& before = work.before;
  auto& db = work.link.session();
  const std::string recorded = before.current_version.value_or("nothing");
  if (seen.state == State::absent && before.current_artifact_id) {
    work.journal.note("resolve", recorded + " was recorded, but nothing runs there: " + seen.detail);
    queue::correct_target(db, work.claim, std::nullopt, std::nullopt);
  } else if (seen.state == State::running && seen.version && seen.version != before.current_version) {
    const auto id = queue::artifact_of_version(db, before.kind, *seen.version);
    work.journal.note("resolve", recorded + " was recorded, but " + *seen.version + " runs there: " + seen.detail);
    if (!id) return;
    queue::correct_target(db, work.claim, id, seen.revision);
  } else if (seen.state == State::running && seen.revision != before.revision) {
    queue::correct_target(db, work.claim, before.current_artifact_id, seen.revision);
  } else {
    return;
  }
  before = *queue::find_target(db, work.claim.target);
}

/// A release that cannot run on the schema is refused before anything is touched.
void check_schema(Work& work) {
  const std::string problem = schema_problem(work.link, work.settings.checkpoint_database, *work.artifact, work.heart);
  if (problem.empty()) return;
  if (!queue::parse_payload(work.claim.task.payload).ignore_schema) {
    throw Error(Kind::artifact, "release " + work.artifact->version + " cannot run on the schema: " + problem,
                kSchemaHint);
  }
  work.journal.note("resolve", "the schema does not fit, and is ignored as asked: " + problem);
}

}  // namespace

void resolve(Work& work) {
  check_type(work.claim.task);
  const auto row = queue::find_target(work.link.session(), work.claim.target);
  if (!row) throw Error(Kind::failed, "target " + work.claim.target + " is gone");
  work.before = *row;
  work.deployer.preflight(work.heart);
  // What a dead holder left half done is no news.
  if (!work.claim.taken_over) look_at_what_runs(work);
  const Goal goal = find_goal(work.link, work.deployer, work.claim.task, work.before, work.heart);
  work.artifact = goal.artifact;
  work.held_revision = goal.held_revision;
  check_schema(work);
}

}  // namespace wrktalk::agent
