// SPDX-License-Identifier: Apache-2.0
#include "core/db/exposure.hpp"

#include <doctest/doctest.h>

#include <cstdlib>

using wrktalk::db::exposure;

namespace {

/// "HOST MODE" of what is exposed; empty: nothing is.
std::string exposed(std::vector<std::pair<std::string, std::string>> parameters) {
  wrktalk::db::ConnectionSettings settings;
  settings.parameters = std::move(parameters);
  const auto found = exposure(settings);
  return found ? found->host + " " + found->ssl_mode : "";
}

}  // namespace

TEST_SUITE("db::exposure") {
  TEST_CASE("another host with an sslmode below require is exposed, this machine never") {
    CHECK(exposed({{"host", "db.example.org"}}) == "db.example.org prefer");
    CHECK(exposed({{"host", "db.example.org"}, {"sslmode", "disable"}}) == "db.example.org disable");
    CHECK(exposed({{"host", "localhost,db2.example.org"}, {"sslmode", "allow"}}) == "db2.example.org allow");
    CHECK(exposed({{"host", "127.example.org"}}) == "127.example.org prefer");
    CHECK(exposed({{"host", "localhost"}, {"hostaddr", "10.1.2.3"}}) == "10.1.2.3 prefer");
    for (const char* mode : {"require", "verify-ca", "verify-full"}) {
      CHECK(exposed({{"host", "db.example.org"}, {"sslmode", mode}}).empty());
    }
    for (const char* host : {"", "localhost", "127.0.0.1", "::1", "/var/run/postgresql", "@abstract"}) {
      CHECK(exposed({{"host", host}}).empty());
    }
  }

  TEST_CASE("what PG* variables say counts where the settings are silent") {
    ::setenv("PGHOST", "pg.example.org", 1);
    ::setenv("PGSSLMODE", "allow", 1);
    CHECK(exposed({}) == "pg.example.org allow");
    CHECK(exposed({{"sslmode", "verify-full"}}).empty());
    CHECK(exposed({{"host", "/tmp"}}).empty());
    ::unsetenv("PGHOST");
    ::unsetenv("PGSSLMODE");
  }
}
