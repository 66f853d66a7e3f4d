// SPDX-License-Identifier: Apache-2.0
#include "core/agent/data_plan.hpp"

#include "core/agent/release_needs.hpp"
#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <algorithm>

namespace wrktalk::agent {
namespace {

using base::Error;
using base::Kind;
using release_manifest::Manifest;

std::string label(const migrate::Migration& one) { return one.label + " (" + one.name + ")"; }

std::string labels(const std::vector<const migrate::Migration*>& all) {
  std::vector<std::string> texts;
  for (const auto* one : all) texts.push_back(label(*one));
  return base::join(texts, ", ");
}

void plan_up(const Ledger& ledger, DataPlan& plan) {
  const std::string& database = plan.migrations->database;
  for (const auto* one : ledger.pending) plan.pending.push_back(one->number);
  if (ledger.pending.empty()) {
    plan.remarks.push_back("database " + database + " has every migration of the release");
  } else {
    plan.remarks.push_back("database " + database + ": " + std::to_string(ledger.pending.size()) +
                           (ledger.pending.size() == 1 ? " migration is" : " migrations are") +
                           " pending: " + labels(ledger.pending));
  }
  for (const auto& lock : ledger.locks) plan.remarks.push_back("it would lock: " + lock);
}

/// Those of `was` that are applied and that the goal has not.
std::vector<const migrate::Migration*> beyond(const Migrations& was, const std::vector<std::int64_t>& applied,
                                              const std::optional<Migrations>& goal) {
  std::vector<const migrate::Migration*> all;
  for (const auto& one : was.set.migrations) {
    const bool is_applied = std::find(applied.begin(), applied.end(), one.number) != applied.end();
    const bool has_it = goal && goal->database == was.database && goal->set.find(one.number) != nullptr;
    if (is_applied && !has_it) all.push_back(&one);
  }
  return all;
}

/// An older release is to run where a newer one has applied its migrations.
void plan_way_back(AppDatabases& databases, const DataQuestion& question, const Manifest& manifest, DataPlan& plan,
                   base::Pulse& pulse) {
  if (!question.ran || question.ran->id == question.goal.id) return;
  const auto& ran = *question.ran;
  const auto asked = manifest_of(ran).migrations;
  if (!asked) return;
  databases.need_named({asked->database});
  auto was = databases.read(question.tree_of(ran), *asked);
  auto goal = plan.migrations;
  if (!goal && manifest.migrations) goal = databases.read(question.tree_of(question.goal), *manifest.migrations);
  const auto applied = databases.ledger(was, pulse).numbers;
  const auto more = beyond(was, applied, goal);
  if (more.empty()) return;
  const std::string what = "database " + was.database + " has " + labels(more) + " of " + ran.version + ", which " +
                           question.goal.version + " has not";
  if (asked->on_rollback == "keep") {
    const auto bad = std::find_if(more.begin(), more.end(), [](const auto* one) { return one->up.incompatible; });
    if (bad == more.end()) {
      plan.remarks.push_back(what + ": they stay");
      return;
    }
    throw Error(Kind::artifact, what + ", and " + (*bad)->up.file + " says that older releases do not run on it",
                "deploy a newer release; or take the database back first, by `wrktalk migrate down` or from a backup");
  }
  std::vector<std::int64_t> numbers;
  for (const auto* one : more) numbers.push_back(one->number);
  const std::string rows = databases.rows_at_stake(was, numbers, pulse);
  const std::string lost = rows.empty() ? "the tables that they made or changed have no rows"
                                        : "rows in the tables that they made or changed: " + rows;
  if (!question.accepts_loss) {
    throw Error(Kind::artifact, what + ": their down files would be run; " + lost,
                "say --yes when what they drop may be lost, or deploy a newer release");
  }
  plan.remarks.push_back(what + ": their down files are run; " + lost);
  plan.to_undo = std::move(numbers);
  plan.back = std::move(was);
}

}  // namespace

bool goes_back(bool is_rollback, const std::string& goal, const std::optional<std::string>& ran) {
  if (is_rollback) return true;
  return ran && release_manifest::is_ordered(goal) && release_manifest::is_ordered(*ran) &&
         release_manifest::compare_versions(goal, *ran) < 0;
}

DataPlan plan_of(AppDatabases& databases, const DataQuestion& question, base::Pulse& pulse) {
  const auto manifest = manifest_of(question.goal);
  databases.need_named(databases_of(manifest));
  DataPlan plan;
  plan.backups = manifest.backup_before;
  if (!plan.backups.empty()) databases.need_folder();
  std::optional<Ledger> ledger;
  if (manifest.migrations && !question.tree.empty()) {
    plan.migrations = databases.read(question.tree, *manifest.migrations);
    ledger = databases.ledger(*plan.migrations, pulse);
    plan_up(*ledger, plan);
  }
  plan_way_back(databases, question, manifest, plan, pulse);
  if (ledger && !ledger->beyond.empty() && plan.to_undo.empty() && !plan.pending.empty()) {
    throw Error(Kind::configuration,
                "database " + plan.migrations->database + " has migrations that the release has not (" +
                    base::join(ledger->beyond, ", ") + "), and lacks some that it has",
                "deploy a release that has them all");
  }
  if (ledger && !ledger->beyond.empty() && plan.to_undo.empty()) {
    plan.remarks.push_back("database " + plan.migrations->database + " has " + base::join(ledger->beyond, ", ") +
                           " of another release: they stay");
  }
  return plan;
}

}  // namespace wrktalk::agent
