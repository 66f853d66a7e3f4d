// SPDX-License-Identifier: Apache-2.0
#include "core/base/error.hpp"
#include "core/config/settings.hpp"
#include "core/db/settings.hpp"

#include <doctest/doctest.h>

using namespace wrktalk;
using Map = std::map<std::string, std::string>;

namespace {

struct Databases {
  Map agent;
  Map checkpoint;
};

Databases databases(const config::Inputs& in) {
  const config::Settings s = config::parse(config::resolve(in));
  return {{s.agent_db.parameters.begin(), s.agent_db.parameters.end()},
          {s.checkpoint_db.parameters.begin(), s.checkpoint_db.parameters.end()}};
}

Databases with_environment(Map environment) {
  config::Inputs in;
  in.environment = std::move(environment);
  return databases(in);
}

}  // namespace

TEST_SUITE("config::Database") {
  TEST_CASE("with nothing said v4.2's defaults hold, and the checkpoint tables are in agent_executor") {
    const auto [agent, checkpoint] = with_environment({});
    CHECK(agent == Map{{"host", "localhost"}, {"port", "5432"}, {"dbname", "wrktalk"}, {"user", "postgres"}});
    CHECK(checkpoint ==
          Map{{"host", "localhost"}, {"port", "5432"}, {"dbname", "agent_executor"}, {"user", "postgres"}});
  }

  TEST_CASE("v4.2's variables name the agent's database; the other one is on the same server") {
    const auto [agent, checkpoint] = with_environment({{"WRKTALK_AGENT_DB_HOST", "db"},
                                                       {"WRKTALK_AGENT_DB_NAME", "w"},
                                                       {"WRKTALK_AGENT_DB_USER", "u"},
                                                       {"WRKTALK_AGENT_DB_PASSWORD", "p@/#?'\"\\ x"},
                                                       {"WRKTALK_AGENT_DB_SSL_MODE", "require"}});
    CHECK(agent == Map{{"host", "db"},
                       {"port", "5432"},
                       {"dbname", "w"},
                       {"user", "u"},
                       {"password", "p@/#?'\"\\ x"},
                       {"sslmode", "require"}});
    CHECK(checkpoint.at("dbname") == "agent_executor");
    CHECK(checkpoint.at("password") == "p@/#?'\"\\ x");
    CHECK(checkpoint.at("sslmode") == "require");
  }

  TEST_CASE("in a migration Job everything comes from PG*, and is left to libpq") {
    const auto [agent, checkpoint] = with_environment({{"PGHOST", "h"},
                                                       {"PGPORT", "1"},
                                                       {"PGDATABASE", "agent_executor"},
                                                       {"PGUSER", "u"},
                                                       {"PGPASSWORD", "p"},
                                                       {"PGSSLMODE", "require"}});
    CHECK(agent.empty());
    CHECK(checkpoint.empty());
  }

  TEST_CASE("pg_env.sh stands in for PG* of the environment") {
    config::Inputs in;
    in.environment = {{"PGHOST", "elsewhere"}, {"PGPORT", "7"}};
    in.pg_env = {{"PGHOST", "h"}, {"PGDATABASE", "agent_executor"}, {"PGUSER", "u"}, {"PGPASSWORD", "p"}};
    CHECK(databases(in).checkpoint ==
          Map{{"host", "h"}, {"dbname", "agent_executor"}, {"user", "u"}, {"password", "p"}});
  }

  TEST_CASE("a service keeps our file's and default values out of its way") {
    CHECK(with_environment({{"PGSERVICE", "s"}}).agent.empty());
    CHECK(with_environment({{"PGSERVICE", "s"}}).checkpoint.empty());
    config::Inputs in;
    in.file = {{"db.service", "s"}, {"db.user", "u"}};
    CHECK(databases(in).agent == Map{{"service", "s"}, {"user", "u"}});
    CHECK(databases(in).checkpoint == Map{{"service", "s"}, {"user", "u"}, {"dbname", "agent_executor"}});
  }

  TEST_CASE("every parameter of a DSN is kept, and what it leaves open is filled in") {
    const auto [agent, checkpoint] = with_environment(
        {{"WRKTALK_AGENT_DB_DSN", "postgresql://u%40x@a:1,b:2/w?target_session_attrs=read-write&sslrootcert=/ca"},
         {"WRKTALK_AGENT_DB_PASSWORD", "p"}});
    CHECK(agent == Map{{"host", "a,b"},
                       {"port", "1,2"},
                       {"dbname", "w"},
                       {"user", "u@x"},
                       {"password", "p"},
                       {"target_session_attrs", "read-write"},
                       {"sslrootcert", "/ca"}});
    CHECK(checkpoint.at("host") == "a,b");
    CHECK(checkpoint.at("sslrootcert") == "/ca");
    CHECK(checkpoint.at("dbname") == "agent_executor");
  }

  TEST_CASE("a stronger source replaces one part of a DSN") {
    config::Inputs in;
    in.environment["WRKTALK_AGENT_DB_DSN"] = "host=a port=1 dbname=w";
    in.flags["--db-host"] = "b";
    CHECK(databases(in).agent == Map{{"host", "b"}, {"port", "1"}, {"dbname", "w"}, {"user", "postgres"}});
  }

  TEST_CASE("the checkpoint database's own DSN comes first, a flag before all") {
    config::Inputs in;
    in.environment = {{"PGHOST", "h"}, {"WRKTALK_AGENT_CHECKPOINT_DSN", "host=c dbname=d user=e"}};
    CHECK(databases(in).checkpoint == Map{{"host", "c"}, {"dbname", "d"}, {"user", "e"}, {"port", "5432"}});
    in.flags["--db-name"] = "n";
    CHECK(databases(in).checkpoint.at("dbname") == "n");
    in.flags["--checkpoint-dsn"] = "host=f";
    CHECK(databases(in).checkpoint.at("host") == "f");
    CHECK(databases(in).checkpoint.at("dbname") == "n");
    in.flags.erase("--checkpoint-dsn");
    in.flags["--dsn"] = "host=g dbname=k";
    CHECK(databases(in).checkpoint.at("host") == "g");
    CHECK(databases(in).agent.at("host") == "g");
  }

  TEST_CASE("a password on the command line is refused, and a text that is no DSN is not repeated") {
    config::Inputs in;
    in.flags["--dsn"] = "postgresql://u:hunter2@h/d";
    try {
      databases(in);
      FAIL("not refused");
    } catch (const base::Error& e) {
      CHECK(e.kind() == base::Kind::usage);
      CHECK(std::string(e.what()).find("hunter2") == std::string::npos);
    }
    in.flags["--dsn"] = "password=hunter2 nonsense";
    try {
      databases(in);
      FAIL("not refused");
    } catch (const base::Error& e) {
      CHECK(e.kind() == base::Kind::configuration);
      CHECK(std::string(e.what()).find("hunter2") == std::string::npos);
    }
  }
}
