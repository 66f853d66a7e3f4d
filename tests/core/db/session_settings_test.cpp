// SPDX-License-Identifier: Apache-2.0
#include "core/db/session_settings.hpp"

#include "core/base/text.hpp"
#include "core/db/raw.hpp"
#include "core/db/session.hpp"
#include "tests/support/pg_cluster.hpp"

#include <doctest/doctest.h>

#include <map>

using namespace wrktalk;
using namespace std::chrono_literals;

namespace {

/// What a role or a database may have, and what a session of ours has all the same.
const std::map<std::string, std::pair<std::string, std::string>> kOdd = {
    {"idle_in_transaction_session_timeout", {"1ms", ""}},
    {"default_transaction_isolation", {"serializable", "read committed"}},
    {"quote_all_identifiers", {"on", "off"}},
    {"IntervalStyle", {"iso_8601", "postgres"}},
    {"DateStyle", {"German", "ISO, DMY"}},
    {"extra_float_digits", {"-15", "1"}},
    {"bytea_output", {"escape", "hex"}},
    {"standard_conforming_strings", {"off", "on"}},
    {"array_nulls", {"off", "on"}},
    {"transform_null_equals", {"on", "off"}},
    {"row_security", {"off", "on"}},
    {"exit_on_error", {"on", "off"}},
    {"client_min_messages", {"error", "notice"}}};

void make_odd(const test::TestDatabase& database) {
  db::Session session(database.settings());
  for (const auto& [name, values] : kOdd) {
    session.run("ALTER DATABASE " + database.name() + " SET " + name + " = '" + values.first + "'");
  }
  session.run("ALTER DATABASE " + database.name() + " SET statement_timeout = '50ms'");
  session.run("ALTER DATABASE " + database.name() + " SET search_path = elsewhere, public");
}

}  // namespace

TEST_SUITE("db::session_settings") {
  TEST_CASE("each kind of session is ours, whatever the database says; search_path stays as it is") {
    if (!test::have_postgres()) return;
    const test::TestDatabase database;
    make_odd(database);
    base::NoPulse pulse;
    const auto soon = base::Deadline::in(30s);
    db::raw::Connection raw(database.settings());
    db::Session session(database.settings());
    db::raw::AsyncConnection async;
    async.open(database.settings());
    using State = db::raw::AsyncConnection::State;
    const auto advance = [&](State wanted) {
      while (async.state() != wanted && async.state() != State::broken && !soon.passed()) {
        pollfd fd{async.socket(), async.events(), 0};
        ::poll(&fd, 1, 100);
        async.advance();
      }
      REQUIRE(async.state() == wanted);
    };
    advance(State::idle);
    for (const auto& [name, values] : kOdd) {
      if (values.second.empty()) continue;
      CAPTURE(name);
      const std::string show = "SHOW " + name;
      CHECK(raw.query(show, {}, pulse, soon).rows.at(0).at(0) == values.second);
      CHECK(std::string(session.run(show)[0][0].c_str()) == values.second);
      async.send(show, {});
      advance(State::answered);
      const auto table = async.take();
      REQUIRE(table);
      CHECK(table->rows.at(0).at(0) == values.second);
    }
    CHECK_NOTHROW(raw.query("SELECT pg_sleep(0.2)", {}, pulse, soon));
    CHECK(raw.query("SHOW lock_timeout", {}, pulse, soon).rows.at(0).at(0) == "10s");
    CHECK(raw.query("SHOW search_path", {}, pulse, soon).rows.at(0).at(0) == "elsewhere, public");
  }

  TEST_CASE("a server gets only what it knows") {
    const auto of = [](int version) { return db::session_settings_sql({}, db::Scope::session, version); };
    CHECK(of(130'000).find("idle_session_timeout") == std::string::npos);
    CHECK(of(140'000).find("idle_session_timeout = 0") != std::string::npos);
    CHECK(of(160'004).find("SET transaction_timeout") == std::string::npos);
    CHECK(of(170'000).find("SET transaction_timeout = 0; ") == 0);
    CHECK(of(150'007).find("restrict_nonsystem_relation_kind") == std::string::npos);
    CHECK(of(150'008).find("restrict_nonsystem_relation_kind = ''") != std::string::npos);
    CHECK(base::starts_with(db::session_settings_sql({1s, 2s, 3s}, db::Scope::transaction, 150'000),
                            "SET LOCAL statement_timeout = 1000; SET LOCAL lock_timeout = 2000; SET LOCAL idle_in_"));
    CHECK(db::session_options("-c a=b", 130'000)
              .find("-c a=b -c statement_timeout=0 -c lock_timeout=0 -c idle_in_transaction_session_timeout=0 -c "
                    "default_transaction_isolation=read\\ committed ") == 0);
  }

  TEST_CASE("a process id that no system gives is a pooler's") {
    CHECK_FALSE(db::is_made_up(1));
    CHECK_FALSE(db::is_made_up(4'194'304));
    CHECK(db::is_made_up(4'194'305));
    CHECK(db::is_made_up(-5));
    CHECK(db::is_made_up(0));
  }

  TEST_CASE("a pooler that tells a likely process id is found out before anything is set") {
    if (!test::have_postgres()) return;
    const test::TestDatabase database;
    db::raw::Connection raw(database.settings());
    base::NoPulse pulse;
    const auto soon = base::Deadline::in(30s);
    raw.script("SET quote_all_identifiers = on", pulse, soon);
    try {
      raw.script(db::new_session_sql({}, raw.backend_pid() + 1, raw.server_version()), pulse, soon);
      FAIL("no error");
    } catch (const db::SqlError& error) {
      CHECK(error.sqlstate() == db::kThroughPooler);
    }
    CHECK(raw.query("SHOW quote_all_identifiers", {}, pulse, soon).rows.at(0).at(0) == "on");
  }
}
