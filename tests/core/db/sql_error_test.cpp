// SPDX-License-Identifier: Apache-2.0
#include "core/db/sql_error.hpp"

#include <doctest/doctest.h>

#include <map>

using namespace wrktalk;
using base::Kind;
using db::Remedy;

TEST_SUITE("db::sql_error") {
  TEST_CASE("each SQLSTATE has one remedy and one kind") {
    struct Row {
      const char* sqlstate;
      Remedy remedy;
      Kind kind;
    };
    for (const auto& [sqlstate, remedy, kind] : {
             Row{"40001", Remedy::repeat, Kind::database},  // serialization_failure
             {"40P01", Remedy::repeat, Kind::database},     // deadlock_detected
             {"40002", Remedy::none, Kind::database},       // a constraint that is checked at COMMIT
             {"08000", Remedy::wait, Kind::connection_lost},
             {"08006", Remedy::wait, Kind::connection_lost},
             {"08P01", Remedy::wait, Kind::connection_lost},  // what poolers say
             {"53000", Remedy::wait, Kind::database},
             {"53100", Remedy::wait, Kind::database},  // disk_full
             {"53200", Remedy::wait, Kind::database},
             {"53300", Remedy::wait, Kind::database},
             {"57P01", Remedy::wait, Kind::connection_lost},
             {"57P02", Remedy::wait, Kind::connection_lost},
             {"57P03", Remedy::wait, Kind::connection_lost},
             {"57P04", Remedy::wait, Kind::connection_lost},
             {"57P05", Remedy::wait, Kind::connection_lost},
             {"25P03", Remedy::wait, Kind::connection_lost},
             {"25P04", Remedy::wait, Kind::connection_lost},
             {"25006", Remedy::wait, Kind::configuration},
             {"55P03", Remedy::wait, Kind::busy},
             {"57014", Remedy::wait, Kind::database},
             {"22P05", Remedy::none, Kind::database},  // a letter that the encoding lacks
             {"22021", Remedy::none, Kind::database},
             {"22008", Remedy::none, Kind::database},
             {"23505", Remedy::none, Kind::database},
             {"25P02", Remedy::none, Kind::database},
             {"42501", Remedy::none, Kind::configuration},
             {"28P01", Remedy::none, Kind::configuration},
             {"3D000", Remedy::none, Kind::configuration},
             {"42P01", Remedy::none, Kind::database},
             {"42601", Remedy::none, Kind::database},
             {"54000", Remedy::none, Kind::database},
             {"58030", Remedy::none, Kind::database},
             {"XX000", Remedy::none, Kind::database},
             {"P0001", Remedy::none, Kind::database},
             {"", Remedy::none, Kind::database},
         }) {
      CAPTURE(sqlstate);
      CHECK(db::remedy_of_sqlstate(sqlstate) == remedy);
      CHECK(db::kind_of_sqlstate(sqlstate) == kind);
      CHECK(db::may_pass(db::SqlError(kind, "x", sqlstate)) == (remedy != Remedy::none));
    }
  }

  TEST_CASE("a lost connection may come back; what is no error of the database does not pass") {
    CHECK(db::remedy(base::Error(Kind::connection_lost, "x")) == Remedy::wait);
    CHECK(db::remedy(base::Error(Kind::busy, "x")) == Remedy::none);
    CHECK(db::remedy(base::Error(Kind::database, "x")) == Remedy::none);
  }

  TEST_CASE("a collision is repeated a few times, anything else is not") {
    int tries = 0;
    const auto collide = [&](int times, const char* sqlstate) {
      tries = 0;
      return db::repeated([&] {
        if (tries++ < times) throw db::SqlError(Kind::database, "x", sqlstate);
        return tries;
      });
    };
    CHECK(collide(2, "40001") == 3);
    CHECK_THROWS_AS(collide(100, "40P01"), db::SqlError);
    CHECK(tries == 5);
    CHECK_THROWS_AS(collide(1, "55P03"), db::SqlError);
    CHECK(tries == 1);
  }

  TEST_CASE("a session that a time limit ended names the limit") {
    for (const auto& [words, setting] : std::map<std::string, std::string>{
             {"FATAL: terminating connection due to idle-session timeout", "raise idle_session_timeout"},
             {"terminating connection due to idle-in-transaction timeout", "raise idle_in_transaction_session_timeout"},
             {"terminating connection due to transaction timeout", "raise transaction_timeout"},
             {"server closed the connection unexpectedly", "look at the server's log"}})
      CHECK(db::hint_of_lost_connection(words).find(setting) == 0);
  }
}
