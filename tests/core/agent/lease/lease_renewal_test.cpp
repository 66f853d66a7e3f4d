// SPDX-License-Identifier: Apache-2.0
#include "core/agent/lease_renewal.hpp"

#include "tests/core/queue/fixture.hpp"
#include "tests/support/tcp_proxy.hpp"

#include <poll.h>

using namespace wrktalk;
using namespace wrktalk::test;
using agent::LeaseRenewal;

namespace {

/// A claimed task whose lease lasts 1.5 s.
struct Claimed : Fixture {
  Claimed() {
    deploy(artifact("1", "host"));
    claim = *queue::claim(db, agent(), kLease);
  }
  LeaseRenewal::Plan plan(std::vector<db::ConnectionSettings> databases) const {
    return {claim.task.id, claim.token, std::nullopt, kLease / 3, kLease, claim.asked_at, std::move(databases)};
  }
  /// Waits until the view is so, for five seconds at most.
  template <typename Is>
  static bool becomes(LeaseRenewal& renewal, Is is) {
    const auto until = base::Deadline::in(5s);
    while (!until.passed()) {
      if (is(renewal.view())) return true;
      pollfd fd{renewal.changed(), POLLIN, 0};
      ::poll(&fd, 1, 20);
      renewal.seen();
      renewal.progress();
    }
    return false;
  }
  bool is_over() { return db.run("SELECT lease_expires_at < clock_timestamp() FROM agent_task")[0][0].as<bool>(); }

  static constexpr std::chrono::milliseconds kLease{1500};
  queue::Claim claim;
  exec::Fence fence;
};

}  // namespace

TEST_SUITE("agent::LeaseRenewal") {
  TEST_CASE("the lease outlives its length while nobody drives anything, and feeds the fence") {
    if (!have_postgres()) return;
    Claimed f;
    LeaseRenewal renewal(f.plan({f.database.settings()}), f.fence);
    const auto twice = f.claim.asked_at + 2 * Claimed::kLease;
    CHECK(Claimed::becomes(renewal, [&](const auto& view) { return view.renewed_at > twice; }));
    CHECK_FALSE(f.is_over());
    CHECK_FALSE(f.fence.term_at().passed());
    CHECK(renewal.view().late == 0);
  }

  TEST_CASE("another agent has the task: the view says so, and the fence ends the tool") {
    if (!have_postgres()) return;
    Claimed f;
    LeaseRenewal renewal(f.plan({f.database.settings()}), f.fence);
    f.db.run("UPDATE agent_task SET claim_token = gen_random_uuid()");
    renewal.renew_soon();
    CHECK(Claimed::becomes(renewal, [](const auto& view) { return view.taken; }));
    CHECK(f.fence.term_at().passed());
  }

  TEST_CASE("that the task has ended while it is recorded is our own doing") {
    if (!have_postgres()) return;
    Claimed f;
    LeaseRenewal renewal(f.plan({f.database.settings()}), f.fence);
    renewal.finish();
    f.finish(f.claim, f.completed(*f.claim.task.artifact_id));
    const auto before = renewal.view().renewed_at;
    renewal.renew_soon();
    CHECK_FALSE(Claimed::becomes(renewal, [&](const auto& view) { return view.taken || view.renewed_at > before; }));
  }

  TEST_CASE("a request to cancel is seen at the next renewal, which may be asked for") {
    if (!have_postgres()) return;
    Claimed f;
    LeaseRenewal renewal(f.plan({f.database.settings()}), f.fence);
    f.db.run("UPDATE agent_task SET cancel_requested_at = now()");
    renewal.renew_soon();
    CHECK(Claimed::becomes(renewal, [](const auto& view) { return view.cancel; }));
  }

  TEST_CASE("a connection that falls silent is left for another way to the same database") {
    if (!have_postgres()) return;
    Claimed f;
    TcpProxy proxy(f.database.settings());
    LeaseRenewal renewal(f.plan({proxy.settings(), f.database.settings()}), f.fence);
    const auto first = f.claim.asked_at;
    REQUIRE(Claimed::becomes(renewal, [&](const auto& view) { return view.renewed_at > first; }));
    proxy.fall_silent();
    const auto then = base::BootClock::now() + Claimed::kLease / 3;
    CHECK(Claimed::becomes(renewal, [&](const auto& view) { return view.renewed_at > then; }));
    CHECK(renewal.view().late > 0);
  }

  TEST_CASE("a lease that has run out is renewed when the database answers again and nobody has taken the task") {
    if (!have_postgres()) return;
    Claimed f;
    f.db.run("UPDATE agent_task SET lease_expires_at = now() - interval '1 minute'");
    LeaseRenewal renewal(f.plan({f.database.settings()}), f.fence);
    renewal.renew_soon();
    const auto first = f.claim.asked_at;
    CHECK(Claimed::becomes(renewal, [&](const auto& view) { return view.renewed_at > first; }));
    CHECK_FALSE(f.is_over());
  }
}
