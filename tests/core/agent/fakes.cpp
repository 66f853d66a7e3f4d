// SPDX-License-Identifier: Apache-2.0
#include "tests/core/agent/fakes.hpp"

#include "core/agent/task_context.hpp"
#include "core/agent/task_memory.hpp"
#include "core/db/settings.hpp"
#include "core/exec/signals.hpp"

#include <algorithm>

namespace wrktalk::agent::test {

using base::Error;
using base::Kind;
using deploy::StepError;

void World::moment(const std::string& name) {
  const int times = ++moments[name];
  if (name == trouble.crash_at && times <= trouble.crashes) throw Crash{};
  if (name == trouble.outage_at && times == 1) throw Error(Kind::connection_lost, "the database is away");
}

void World::fail(const std::string& step) const {
  if (step != trouble.fail_step) return;
  if (trouble.fail_left) throw StepError(*trouble.fail_left, "as the case wants it");
  if (trouble.fail_kind) throw Error(*trouble.fail_kind, "as the case wants it");
}

void FakeDeployer::preflight(base::Pulse& pulse) {
  pulse.tick();
  world_.fail("resolve");
}

std::vector<std::string> FakeDeployer::check(const deploy::Release&, base::Pulse& pulse) {
  pulse.tick();
  world_.moment("check");
  world_.fail("check");
  return {};
}

deploy::Before FakeDeployer::before(base::Pulse&) {
  world_.moment("before");
  deploy::Before before;
  if (world_.unknown) return before;
  before.state = world_.running.empty() ? deploy::Before::State::nothing : deploy::Before::State::running;
  if (!world_.running.empty()) before.version = world_.running;
  return before;
}

deploy::Applied FakeDeployer::apply(const deploy::Release& release, base::Pulse& pulse) {
  const std::string was = world_.running;
  world_.moment("apply begins");
  const auto left = world_.trouble.fail_left;
  if (left == StepError::Left::untouched || world_.trouble.fail_kind == Kind::busy) world_.fail("apply");
  world_.calls.push_back("apply");
  world_.running = "half";
  world_.moment("apply goes on");
  pulse.tick();
  if (left == StepError::Left::put_back && world_.trouble.fail_step == "apply") world_.running = was;
  world_.fail("apply");
  world_.running = release.version;
  world_.moment("apply ends");
  return {std::nullopt, "applied"};
}

void FakeDeployer::health(const deploy::Release&, base::Pulse& pulse) {
  world_.moment("health");
  pulse.tick();
  world_.fail("health");
}

deploy::Applied FakeDeployer::put_back(const deploy::Before& before, const std::optional<deploy::Release>& stored,
                                       base::Pulse&) {
  world_.moment("put-back begins");
  world_.calls.push_back("put_back");
  world_.running = "half";
  world_.moment("put-back goes on");
  if (world_.trouble.only_stored_helps && !stored) {
    needs_tree_ = true;
    throw StepError(StepError::Left::dirty, "as the case wants it");
  }
  if (world_.trouble.put_back_fails) throw StepError(StepError::Left::not_put_back, "as the case wants it");
  world_.running = before.version.value_or("");
  world_.moment("put-back ends");
  return {std::nullopt, "put back"};
}

deploy::Observed FakeDeployer::observe(base::Pulse&) {
  world_.moment("observe");
  deploy::Observed seen;
  using State = deploy::Observed::State;
  seen.state = world_.running.empty() ? State::absent : world_.running == "half" ? State::broken : State::running;
  if (seen.state == State::running) seen.version = world_.running;
  return seen;
}

namespace {

artifact::Artifact artifact_with(const std::string& version) {
  artifact::Artifact artifact;
  artifact.id = "id-" + version;
  artifact.version = version;
  artifact.chart_type = "host";
  artifact.sha256 = std::string(64, '0');
  return artifact;
}

}  // namespace

queue::TargetRow FakeStore::target() {
  world_.moment("target");
  queue::TargetRow row;
  row.name = world_.target;
  const auto kind = deploy::parse_target(world_.target).kind;
  row.kind = base::to_text(kind);
  row.chart_type = base::chart_type(kind);
  row.is_of_v42 = world_.of_v42;
  if (row.is_of_v42) {
    row.current_version = kBefore;
    row.current_artifact_id = std::string("id-") + kBefore;
  }
  return row;
}

ResolvedRelease FakeStore::find_goal(const queue::StoredGoal&, const queue::TargetRow&, deploy::Deployer&,
                                     base::Pulse&) {
  auto goal = artifact_with(kGoal);
  goal.manifest = world_.trouble.manifest;
  return {goal};
}

void FakeStore::remember(const queue::Memory& memory) {
  world_.moment("remember begins");
  world_.goal = memory.goal;
  world_.before = memory.before;
  world_.moment("remember ends");
}

void FakeStore::begin_step(const std::string& phase, const std::string& reached) {
  world_.moment("before " + phase);
  world_.reached = reached;
  if (phase == "server-env") world_.health_was_seen = true;
  if (phase == world_.trouble.cancel_at) world_.cancel_requested = true;
  world_.moment("at " + phase);
}

artifact::Artifact FakeStore::find_artifact(const std::string& id, base::Pulse&) {
  auto found = artifact_with(id.substr(std::string("id-").size()));
  if (found.version == kGoal) found.manifest = world_.trouble.manifest;
  return found;
}

deploy::Release FakeStore::fetch(const artifact::Artifact& artifact, const std::string& tree, base::Pulse& pulse) {
  world_.moment("fetch");
  pulse.tick();
  world_.fail("fetch");
  return {artifact.version, tree, {}, {}};
}

void FakeStore::open_window(const std::string&, base::Pulse&) {
  world_.moment("window opens");
  world_.fail("maintenance-on");
  world_.window = true;
}

bool FakeStore::close_window(bool, base::Pulse&) {
  world_.moment("window closes");
  world_.window = false;
  return true;
}

void FakeStore::record(const queue::Ending& ending, const std::string&,
                       const std::vector<notify::NewNotification>& events) {
  world_.moment("record begins");
  ++world_.records;
  world_.ending = ending;
  world_.status = ending.status;
  world_.told.insert(world_.told.end(), events.begin(), events.end());
  world_.moment("record ends");
}

void FakeStore::release(const std::string&, std::chrono::milliseconds) {
  world_.moment("release");
  world_.status = queue::Status::pending;
  world_.before.reset();
  world_.reached.reset();
  --world_.attempt;
}

void FakeDatabases::need_named(const std::vector<std::string>& names) const {
  for (const auto& name : names) {
    if (name != "app") throw Error(Kind::configuration, "no setting names " + name);
  }
}

std::string FakeDatabases::back_up(const std::string&, base::Pulse& pulse) {
  world_.moment("backup");
  pulse.tick();
  world_.fail("backup");
  world_.backups.push_back(world_.ledger);
  return "/backups/" + std::to_string(world_.backups.size());
}

Migrations FakeDatabases::read(const std::string&, const release_manifest::Migrations& asked) {
  Migrations out{asked.database, {}};
  out.set.name = "default";
  for (const std::int64_t number : {1, 2, 3}) {
    migrate::Migration one;
    one.number = number;
    one.label = std::to_string(number);
    one.up.incompatible = number == world_.incompatible;
    out.set.migrations.push_back(one);
  }
  return out;
}

Ledger FakeDatabases::ledger(const Migrations& migrations, base::Pulse&) {
  Ledger out;
  out.numbers = world_.ledger;
  for (const auto& one : migrations.set.migrations) {
    if (one.number > world_.ledger.back()) out.pending.push_back(&one);
  }
  return out;
}

void FakeDatabases::up(const Migrations& migrations, const Tell& tell, base::Pulse& pulse) {
  for (const auto& one : migrations.set.migrations) {
    if (one.number <= world_.ledger.back()) continue;
    world_.moment("migration");
    pulse.tick();
    if (one.number == 3) world_.fail("migrate");
    world_.ledger.push_back(one.number);
    tell("migration " + one.label);
  }
}

void FakeDatabases::down(const Migrations&, const std::vector<std::int64_t>& numbers, const Tell&, base::Pulse&) {
  world_.moment("down");
  if (world_.down_fails) throw Error(Kind::child, "as the case wants it");
  while (std::find(numbers.begin(), numbers.end(), world_.ledger.back()) != numbers.end()) world_.ledger.pop_back();
}

void FakeLease::tick() {
  if (!undoing_ && world_.cancel_requested) throw Error(Kind::cancelled, "cancelled by an operator");
}

bool run_to_the_end(World& world, int holders) {
  static exec::Signals signals;
  Stop stop(signals, std::chrono::milliseconds(0));
  const std::string agent_id = "site";
  base::NoPulse nothing;
  for (int holder = 0; holder < holders; ++holder) {
    queue::Claim claim;
    claim.task.id = "task";
    claim.task.type = "deploy";
    claim.task.cancel_requested = world.cancel_requested;
    claim.target = world.target;
    claim.taken_over = world.status == queue::Status::in_progress;
    claim.give_up = claim.taken_over && world.attempt >= 3;
    claim.exhausted = claim.taken_over && world.attempt >= 3 + queue::kPutBackAttempts;
    claim.task.attempt = ++world.attempt;
    claim.task.goal = world.goal;
    claim.task.before = world.before;
    claim.task.reached = world.reached;
    world.status = queue::Status::in_progress;
    FakeStore store(world);
    FakeDeployer deployer(world);
    FakeDatabases databases(world);
    FakeLease lease(world);
    Journal journal(store, claim);
    auto status = observe::new_status(agent_id);
    try {
      run_task({claim,
                Mode::daemon,
                agent_id,
                false,
                store,
                deployer,
                databases,
                lease,
                journal,
                stop,
                status,
                nothing,
                {}});
    } catch (const Crash&) {
    }
    if (world.ending) return true;
  }
  return false;
}

}  // namespace wrktalk::agent::test
