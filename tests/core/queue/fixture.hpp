// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/error.hpp"
#include "core/queue/claim.hpp"
#include "core/queue/target.hpp"
#include "core/queue/tick.hpp"
#include "tests/support/pg_cluster.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace wrktalk::test {

using namespace std::chrono_literals;

inline constexpr const char* kInstance = "00000000-0000-4000-8000-000000000001";

/// An agent database with one default target a kind.
struct Fixture {
  Fixture() : database(test::kAgentTables), db(database.settings()) {
    register_target(db, {"host:a", "host", "host", "", "", ""});
    register_target(db, {"kubernetes:w/w", "kubernetes", "helm", "w", "w", ""});
  }
  void register_target(db::Session& session, const queue::Registration& target) {
    queue::register_target(session, target);
  }
  std::string artifact(const std::string& version, const std::string& chart_type) {
    return db
        .run(
            "INSERT INTO release_artifact (release_version, chart_type, artifact_data, sha256) VALUES ($1, $2, 'x', "
            "'y') RETURNING id",
            version, chart_type)[0]["id"]
        .c_str();
  }
  std::string deploy(const std::string& artifact_id, const std::string& target = "host:a") {
    return queue::enqueue(db, {"deploy", artifact_id, target, {}, std::nullopt, true});
  }
  std::string old_task(const std::string& type, const std::optional<std::string>& artifact_id) {
    return db
        .run("INSERT INTO agent_task (type, release_artifact_id) VALUES ($1, $2::uuid) RETURNING id", type,
             artifact_id)[0]["id"]
        .c_str();
  }
  /// What a v4.2 agent does; true when it got the task.
  bool old_claim() {
    return !db.run(
                  "UPDATE agent_task SET status = 'inProgress', picked_up_at = now() WHERE id = (SELECT id FROM "
                  "agent_task "
                  "WHERE status = 'pending' AND execute_after <= now() ORDER BY execute_after FOR UPDATE SKIP LOCKED "
                  "LIMIT 1) RETURNING id")
                .empty();
  }
  queue::Claimant agent(std::vector<std::string> targets = {"host:a", "kubernetes:w/w"}) {
    return {"agent-1", kInstance, "0.1.0", std::move(targets)};
  }
  std::vector<queue::Task> fail_overdue() {
    db::Transaction tx(db);
    auto tasks = queue::fail_overdue(tx);
    tx.commit();
    return tasks;
  }
  void finish(const queue::Claim& claim, queue::Ending ending) {
    db::Transaction tx(db);
    queue::record(tx, claim, ending);
    tx.commit();
  }
  queue::Ending completed(const std::string& artifact_id) {
    return {queue::Status::completed, std::nullopt, "{}", artifact_id, std::nullopt};
  }

  test::TestDatabase database;
  db::Session db;
};

}  // namespace wrktalk::test
