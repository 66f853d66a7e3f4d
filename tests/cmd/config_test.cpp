// SPDX-License-Identifier: Apache-2.0
#include "core/base/files.hpp"
#include "tests/cmd/wrktalk.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <sys/stat.h>

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

  TEST_CASE("a variable that is no setting is listed with the one that was meant, and other commands warn of it") {
    const std::vector<std::string> environment = {"WRKTALK_AGENT_MAINTENANCE_HANDLER=none",
                                                  "WRKTALK_AGENT_DB_HOST=/none"};
    const auto shown = tool("config show", environment);
    CHECK(shown.out.find("\nWRKTALK_AGENT_MAINTENANCE_HANDLER is no setting: did you mean "
                         "WRKTALK_AGENT_MAINTENANCE_MODE_HANDLER?\n") != std::string::npos);
    const auto unknown = nlohmann::json::parse(tool("config show -o json", environment).out)["unknown"];
    REQUIRE(unknown.size() == 1);
    CHECK(unknown[0]["variable"] == "WRKTALK_AGENT_MAINTENANCE_HANDLER");
    CHECK(unknown[0]["meant"] == "WRKTALK_AGENT_MAINTENANCE_MODE_HANDLER");
    const auto other = tool("status", environment);
    CHECK(other.err.find("config.unknown_variable") != std::string::npos);
    CHECK(tool("health", environment).err.find("config.unknown_variable") == std::string::npos);
  }

  TEST_CASE("a database of another host without certain encryption is warned of") {
    const auto exposed = tool("config show", {"WRKTALK_AGENT_DB_HOST=db.example.org"});
    CHECK(exposed.err.find("db.plain_connection") != std::string::npos);
    CHECK(exposed.err.find("sslmode is prefer for db.example.org") != std::string::npos);
    CHECK(exposed.err.find("db.plain_connection") == exposed.err.rfind("db.plain_connection"));
    CHECK(tool("config show", {"WRKTALK_AGENT_DB_HOST=db.example.org", "WRKTALK_AGENT_DB_SSL_MODE=verify-full"})
              .err.empty());
    CHECK(tool("config show", {"WRKTALK_AGENT_DB_HOST=/tmp"}).err.empty());
  }

  TEST_CASE("a file that another user could change is not read, and the reason is named") {
    const base::TempDir dir(base::private_parent(), "cmd-test-");
    const auto refused = [&](const std::string& name, const std::string& words, std::vector<std::string> environment) {
      const std::string path = dir.path() + "/" + name;
      base::write_file(path,
                       name == "pg_env.sh" ? "PGHOST=h"
                       : name == "w.toml"  ? "[db]\nhost = \"h\"\n"
                                           : "secret",
                       0600);
      CHECK(tool(words, environment).code == 0);
      ::chmod(path.c_str(), 0602);
      const auto ran = tool(words, environment);
      CHECK(ran.code == 5);
      CHECK(ran.err.find(path + " is writable by everybody") != std::string::npos);
      CHECK(ran.err.find("run chmod o-w " + path) != std::string::npos);
      ::chmod(path.c_str(), 0600);
      ::chmod(dir.path().c_str(), 0757);
      CHECK(tool(words, environment).code == 5);
      ::chmod(dir.path().c_str(), 0700);
    };
    refused("w.toml", "config show --config " + dir.path() + "/w.toml", {});
    refused("pg_env.sh", "config show --pg-env " + dir.path() + "/pg_env.sh", {});
    refused("password", "config show", {"WRKTALK_AGENT_DB_PASSWORD_FILE=" + dir.path() + "/password"});
  }

  TEST_CASE("a file of a secret that other users may read is warned of") {
    const base::TempDir dir(base::private_parent(), "cmd-test-");
    const std::string path = dir.path() + "/password";
    base::write_file(path, "hunter2", 0644);
    const auto ran = tool("config show", {"WRKTALK_AGENT_DB_PASSWORD_FILE=" + path});
    CHECK(ran.code == 0);
    CHECK(ran.err.find("config.readable_by_others") != std::string::npos);
    CHECK(tool("config show", {"WRKTALK_AGENT_DB_PASSWORD_FILE=" + path, "KUBERNETES_SERVICE_HOST=10.0.0.1"})
              .err.empty());
  }

  TEST_CASE("a probe needs no secret, and does not look for the files that hold them") {
    const base::TempDir dir(base::private_parent(), "cmd-test-");
    const std::vector<std::string> environment = {"WRKTALK_AGENT_DB_PASSWORD_FILE=" + dir.path() + "/none",
                                                  "WRKTALK_AGENT_SECRETS_DIR=" + dir.path()};
    CHECK(tool("config show", environment).code == 5);
    const auto ran = tool("health", environment);
    CHECK(ran.code == 1);
    CHECK(ran.out.find("not healthy: no agent runs here") == 0);
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
