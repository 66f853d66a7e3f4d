// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/agent/journal.hpp"
#include "core/agent/task.hpp"
#include "core/base/error.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

/// A task's row, its target and its site in memory, so that every step can be failed and every moment be the last one of a holder.
namespace wrktalk::agent::test {

/// The end of the process at this moment: no Error, so that nobody handles it.
struct Crash {};

/// What goes wrong in one case.
struct Trouble {
  std::string crash_at{};   ///< a moment, see World::moment
  int crashes = 0;          ///< at its first so many occurrences
  std::string outage_at{};  ///< a moment at which the database is away once
  std::string fail_step{};  ///< "resolve", "fetch", "check", "maintenance-on", "apply", "health"
  std::optional<base::Kind> fail_kind{};
  std::optional<deploy::StepError::Left> fail_left{};  ///< a StepError instead
  bool put_back_fails = false;
  bool only_stored_helps = false;  ///< the target finds out that it cannot put back without the stored release
  bool no_way_up = false;          ///< the release does not upgrade what runs
  std::string manifest{};          ///< of the release
  std::string cancel_at{};         ///< the step during which an operator asks for the end
};

struct World {
  Trouble trouble;
  std::map<std::string, int> moments;
  std::vector<std::string> calls;  ///< of what changes the target, in order

  // The target.
  std::string running;  ///< a version, "" or "half": something in between
  std::string target = "host:site";
  bool unknown = false;  ///< what runs cannot be told
  bool of_v42 = false;   ///< v4.2 had recorded kBefore, and no task of ours has ended since
  // The application's database.
  std::vector<std::int64_t> ledger = {1};
  std::vector<std::vector<std::int64_t>> backups;  ///< the ledger as each backup has it
  bool down_fails = false;
  std::int64_t incompatible = 0;  ///< the migration on which older releases do not run
  // The site.
  bool window = false;
  // The row.
  queue::Status status = queue::Status::pending;
  std::optional<std::string> goal, before, reached;
  int attempt = 0;
  bool cancel_requested = false;
  std::optional<queue::Ending> ending;
  std::vector<notify::NewNotification> told;
  int records = 0;
  bool health_was_seen = false;

  /// Counts the moment; throws Crash or an outage when it is the one.
  void moment(const std::string& name);
  /// Throws the step's failure when it is the one.
  void fail(const std::string& step) const;
};

constexpr const char* kGoal = "2.0.0";
constexpr const char* kBefore = "1.0.0";

class FakeDeployer : public deploy::Deployer, private deploy::ImageInventory {
 public:
  explicit FakeDeployer(World& world) : world_(world) {}
  void check_access(base::Pulse&) override {}
  void preflight(base::Pulse&) override;
  std::string home(const std::string& version) override { return "/trees/" + version; }
  std::string home_beside(const std::string& version, const deploy::Before&) override { return home(version); }
  std::vector<std::string> check(const deploy::Release&, base::Pulse&) override;
  deploy::Before before(base::Pulse&) override;
  deploy::Applied apply(const deploy::Release&, base::Pulse&) override;
  void health(const deploy::Release&, base::Pulse&) override;
  deploy::ImageInventory* images() noexcept override { return this; }
  std::string bring(const deploy::Release&, base::Pulse&) override { return {}; }
  std::vector<std::string> to_load(const deploy::Release&, base::Pulse&) override { return {}; }
  std::vector<std::string> to_pull(const deploy::Release&, base::Pulse&) override { return {}; }
  deploy::Applied put_back(const deploy::Before& before, const std::optional<deploy::Release>&, base::Pulse&) override;
  deploy::Observed observe(base::Pulse&) override;
  bool needs_tree_to_put_back(const deploy::Before&, base::Pulse&) override { return needs_tree_; }
  void recover(const deploy::Observed&, base::Pulse&) override {}
  void tidy(const std::vector<std::string>&, base::Pulse&) noexcept override {}

 private:
  World& world_;
  bool needs_tree_ = false;
};

class FakeStore : public TaskStore {
 public:
  explicit FakeStore(World& world) : world_(world) {}
  void drop_connection() noexcept override {}
  queue::TargetRow target() override;
  ResolvedRelease find_goal(const queue::StoredGoal&, const queue::TargetRow&, deploy::Deployer&,
                            base::Pulse&) override;
  std::optional<std::string> artifact_of_version(const std::string& version) override { return "id-" + version; }
  std::string schema_problem(const artifact::Artifact&, base::Pulse&) override { return {}; }
  WayUp way_up(const artifact::Artifact& artifact, const deploy::Before&, base::Pulse&) override {
    if (world_.trouble.no_way_up) return {"there is no way up", "store what is missing", {}};
    return {{}, {}, {artifact.id}};
  }
  void remember(const queue::Memory& memory) override;
  void begin_step(const std::string& phase, const std::string& reached) override;
  void add_event(const std::string&, const std::string&) override {}
  artifact::Artifact find_artifact(const std::string& id, base::Pulse&) override;
  void hide_secrets_of(const std::string&, base::Pulse&) override {}
  deploy::Release fetch(const artifact::Artifact& artifact, const std::string& tree, base::Pulse&) override;
  std::string tree_apart(const artifact::Artifact& artifact, base::Pulse&) override { return "/apart/" + artifact.id; }
  std::vector<std::string> add_site(deploy::Release&, const std::string&, base::Pulse&) override { return {}; }
  std::vector<std::string> add_site_of_before(deploy::Release&, const std::string&, base::Pulse&) override {
    return {};
  }
  void prepare_site_of_before(const std::string&, base::Pulse&) override {}
  deploy::Release without_tree(const std::string&, base::Pulse&) override { return {}; }
  std::vector<std::string> add_server_env(const artifact::Artifact&, base::Pulse&) override { return {}; }
  void open_window(const std::string&, base::Pulse&) override;
  bool close_window(bool, base::Pulse&) override;
  void record(const queue::Ending& ending, const std::string&,
              const std::vector<notify::NewNotification>& events) override;
  bool is_recorded() override { return world_.ending.has_value(); }
  void release(const std::string&, std::chrono::milliseconds) override;
  std::vector<std::string> versions_in_use() override { return {}; }

 private:
  World& world_;
};

/// One database, which has number 1 of the three migrations of the release.
class FakeDatabases : public AppDatabases {
 public:
  explicit FakeDatabases(World& world) : world_(world) {}
  void need_named(const std::vector<std::string>& names) const override;
  void need_folder() const override {}
  std::string back_up(const std::string& database, base::Pulse& pulse) override;
  bool is_there(const std::string&) const override { return true; }
  Migrations read(const std::string& tree, const release_manifest::Migrations& asked) override;
  Ledger ledger(const Migrations& migrations, base::Pulse& pulse) override;
  void up(const Migrations& migrations, const Tell& tell, base::Pulse& pulse) override;
  void down(const Migrations& migrations, const std::vector<std::int64_t>& numbers, const Tell& tell,
            base::Pulse& pulse) override;
  std::string rows_at_stake(const Migrations&, const std::vector<std::int64_t>&, base::Pulse&) override { return {}; }

 private:
  World& world_;
};

class FakeLease : public Lease {
 public:
  explicit FakeLease(World& world) : world_(world) {}
  base::Deadline watch(std::vector<pollfd>&) override { return base::Deadline::never(); }
  void tick() override;
  void ignore_requests() noexcept override { undoing_ = true; }
  void begin_record() noexcept override { undoing_ = true; }
  void wait(base::Deadline) override {}
  void regain() override {}
  bool fenced() const noexcept override { return false; }
  bool ended_at_once() const noexcept override { return false; }

 private:
  World& world_;
  bool undoing_ = false;
};

/// One holder after the other takes the task, as the queue would hand it out, until it has ended. At most `holders` of them.
/// False when it has not ended then.
bool run_to_the_end(World& world, int holders = 12);

}  // namespace wrktalk::agent::test
