// SPDX-License-Identifier: Apache-2.0
#include "core/base/files.hpp"
#include "tests/cmd/wrktalk.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace wrktalk;
using test::tool;

TEST_SUITE("cmd::config") {
  TEST_CASE("every value is shown with its origin, and no secret is") {
    const std::vector<std::string> environment = {"WRKTALK_AGENT_DB_HOST=db.example", "PGUSER=someone",
                                                  "WRKTALK_AGENT_DB_PASSWORD=hunter2",
                                                  "WRKTALK_AGENT_CHECKPOINT_DSN=host=c password=hunter3"};
    const auto text = tool("config show --db-port 6543", environment);
    CHECK(text.code == 0);
    CHECK(text.out.find("hunter") == std::string::npos);
    CHECK(text.out.find("agent database:       host=db.example port=6543 dbname=wrktalk user=someone\n") !=
          std::string::npos);
    CHECK(text.out.find("checkpoint database:  host=c port=6543 dbname=agent_executor user=someone\n") !=
          std::string::npos);

    const auto json = tool("config show -o json --db-port 6543", environment);
    CHECK(json.out.find("hunter") == std::string::npos);
    const auto settings = nlohmann::json::parse(json.out)["settings"];
    CHECK(settings["db.host"]["value"] == "db.example");
    CHECK(settings["db.host"]["origin"] == "WRKTALK_AGENT_DB_HOST");
    CHECK(settings["db.port"]["source"] == "flag");
    CHECK(settings["db.user"]["source"] == "libpq");
    CHECK(settings["db.password"]["value"] == "***");
    CHECK(settings["checkpoint.dsn"]["value"] == "***");
  }

  TEST_CASE("pg_env.sh is read without a shell") {
    const base::TempDir dir(base::private_parent(), "cmd-test-");
    const std::string path = dir.path() + "/pg_env.sh";
    base::write_private_file(path,
                             "export PGHOST=\"h\"\nexport PGDATABASE='agent_executor'\nexport PGPASSWORD=hunter2\n");
    const auto ran = tool("config show --pg-env " + path);
    CHECK(ran.code == 0);
    CHECK(ran.out.find("checkpoint database:  host=h port=5432 dbname=agent_executor user=postgres") !=
          std::string::npos);
    CHECK(ran.out.find("hunter2") == std::string::npos);
  }
}
