// SPDX-License-Identifier: Apache-2.0
#include "core/secrets/postgres.hpp"

#include "core/base/error.hpp"
#include "core/base/files.hpp"
#include "core/config/file.hpp"
#include "core/config/settings.hpp"
#include "tests/cmd/wrktalk.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <random>
#include <sys/stat.h>

using namespace wrktalk;
using base::Error;
using nlohmann::json;
using secrets::Variables;

namespace {

json good() {
  return {{"host", "db.example"}, {"port", "5432"}, {"database", "shop"}, {"username", "app"}, {"password", "hunter2"}};
}

std::string refusal(const json& fields) {
  try {
    secrets::variables_of(fields, "kv/db");
  } catch (const Error& e) {
    CHECK(e.kind() == base::Kind::configuration);
    return std::string(e.what()) + " | " + e.hint();
  }
  return {};
}

/// What a shell that sources the file has in PGPASSWORD.
std::string sourced(const std::string& shell, const std::string& path) {
  return test::run({shell, "-c", ". \"$1\" && printf %s \"$PGPASSWORD\"", shell, path}).out;
}

}  // namespace

TEST_SUITE("secrets::variables_of") {
  TEST_CASE("fields become libpq's variables, the port may be a number, sslmode may be there, others are left alone") {
    json fields = good();
    fields["port"] = 6432;
    fields["sslmode"] = "require";
    fields["note"] = json::array({1, 2});
    const Variables wanted = {{"PGHOST", "db.example"}, {"PGPORT", "6432"},        {"PGDATABASE", "shop"},
                              {"PGUSER", "app"},        {"PGPASSWORD", "hunter2"}, {"PGSSLMODE", "require"}};
    CHECK(secrets::variables_of(fields, "kv/db") == wanted);
  }

  TEST_CASE("what is missing is named, all of it") {
    json fields = good();
    fields.erase("host");
    fields.erase("password");
    CHECK(refusal(fields).find("kv/db lacks host, password") == 0);
    CHECK(refusal(json::object()).find("lacks host, port, database, username, password") != std::string::npos);
  }

  TEST_CASE("a value that cannot be one is refused without being shown") {
    for (const json& bad :
         {json(""), json(true), json::array({"hunter3"}), json(1.5), json(std::string("hunter3\0x", 9))}) {
      json fields = good();
      fields["password"] = bad;
      const std::string text = refusal(fields);
      CHECK(text.find("kv/db: field password ") == 0);
      CHECK(text.find("hunter3") == std::string::npos);
    }
    json fields = good();
    fields["host"] = "db\nexport PGHOST=evil";
    CHECK(refusal(fields).find("field host holds a control character") != std::string::npos);
  }
}

TEST_SUITE("secrets::write_pg_env") {
  TEST_CASE("the file is 0600 and has the lines that the guide shows") {
    const base::TempDir folder("/tmp", "pg-env-");
    const std::string path = folder.path() + "/pg_env.sh";
    const Variables variables = secrets::variables_of(good(), "kv/db");
    secrets::write_pg_env(path, variables);
    CHECK(base::read_file(path, 1000) ==
          "export PGHOST=\"db.example\"\nexport PGPORT=\"5432\"\nexport PGDATABASE=\"shop\"\nexport PGUSER=\"app\"\n"
          "export PGPASSWORD=\"hunter2\"\n");
    struct stat info {};
    REQUIRE(::stat(path.c_str(), &info) == 0);
    CHECK((info.st_mode & 07777) == 0600);
    CHECK(secrets::export_lines(secrets::without_password(variables)).find("hunter2") == std::string::npos);
  }

  TEST_CASE("any password comes back from dash, from bash and from --pg-env") {
    const base::TempDir folder("/tmp", "pg-env-");
    const std::string path = folder.path() + "/pg_env.sh";
    std::vector<std::string> passwords = {
        "$HOME `id` $(id) ${x} \"'\\",          "\\\n$", "!history !!", "#;&|<>*?[]{}~", "\r\n\t end ", "-n",
        "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x94\x92", "a\\",   "\""};
    std::string every;
    for (char c = 1; c < 127; ++c) every += c;
    passwords.push_back(every + every);
    std::mt19937 random(7);
    for (int i = 0; i < 40; ++i) {
      std::string text;
      for (int length = 0; length < 24; ++length) text += static_cast<char>(1 + random() % 126);
      passwords.push_back(text);
    }
    for (const auto& password : passwords) {
      CAPTURE(password);
      secrets::write_pg_env(path, {{"PGUSER", "app"}, {"PGPASSWORD", password}});
      CHECK(sourced("dash", path) == password);
      CHECK(sourced("bash", path) == password);
      CHECK(config::parse_pg_env(base::read_file(path, 10'000), path, config::pg_variables()).at("PGPASSWORD") ==
            password);
    }
  }

  TEST_CASE("a folder that is not there or not to be written is refused before Vault is asked") {
    CHECK_THROWS_AS(secrets::check_pg_env_path("/nowhere/pg_env.sh"), Error);
    CHECK_THROWS_AS(secrets::check_pg_env_path("/etc/hostname/pg_env.sh"), Error);
  }
}
