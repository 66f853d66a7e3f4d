// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/compose_inputs.hpp"

#include "core/base/error.hpp"
#include "core/deploy/compose_env.hpp"
#include "tests/core/deploy/support.hpp"

#include <algorithm>

using namespace wrktalk;
using namespace wrktalk::deploy;
using namespace wrktalk::deploy::compose;

namespace {

class Written : public Files {
 public:
  explicit Written(std::map<std::string, std::string> files) : files_(std::move(files)) {}
  std::map<std::string, std::string> read(const std::set<std::string>& names) override {
    std::map<std::string, std::string> out;
    for (const auto& name : names) {
      if (const auto found = files_.find(name); found != files_.end()) out.insert(*found);
    }
    return out;
  }

 private:
  std::map<std::string, std::string> files_;
};

using Named = std::map<std::string, std::string>;

Judgement judged(const Named& files, const std::optional<std::string>& env = std::nullopt) {
  Written written(files);
  SiteInputs site;
  site.env = env;
  site.env_name = "site.env";
  site.passed_variables = {"COMPOSE_PROFILES"};
  auto out = judge_inputs(written, "app/compose.yml", site, policy::Policy());
  for (const auto& note : out.notes) CHECK(note.find("TOPSECRET") == std::string::npos);
  return out;
}

/// Why it is refused; empty when it is not.
std::string why(const Named& files, const std::optional<std::string>& env = std::nullopt) {
  try {
    judged(files, env);
  } catch (const base::Error& e) {
    CHECK(e.kind() == base::Kind::artifact);
    CHECK_FALSE(e.hint().empty());
    CHECK(std::string(e.what()).find("TOPSECRET") == std::string::npos);
    return e.what();
  }
  return {};
}

std::string web(const std::string& fields) { return "services:\n  web:\n    image: a\n" + fields; }

bool says(const Judgement& judgement, const std::string& words) {
  return std::any_of(judgement.notes.begin(), judgement.notes.end(),
                     [&](const auto& note) { return note.find(words) != std::string::npos; });
}

bool hides(const Judgement& judgement, const std::string& text) {
  return std::any_of(judgement.secrets.begin(), judgement.secrets.end(),
                     [&](const auto& secret) { return secret.reveal() == text; });
}

}  // namespace

TEST_SUITE("deploy::compose inputs") {
  TEST_CASE("a file that compose cannot do without must be in the release") {
    const auto missing = "app/compose.yml:4: 'env_file' names app/app.env, which is not in the release";
    CHECK(why({{"app/compose.yml", web("    env_file: app.env\n")}}) == missing);
    CHECK(why({{"app/compose.yml", web("    env_file: app.env\n")}, {"app/app.env", "A=1\n"}}).empty());
    CHECK(why({{"app/compose.yml", web("    env_file: [{path: app.env, required: false}]\n")}}).empty());
    CHECK(why({{"app/compose.yml", web("    env_file: app.env\n    profiles: [debug]\n")}}).empty());
    CHECK(why({{"app/compose.yml", "include:\n  - other.yml\n" + web("")}}).find("app/other.yml") != std::string::npos);
    CHECK(why({{"app/compose.yml", web("    extends: {file: base.yml, service: x}\n")}}).find("app/base.yml") !=
          std::string::npos);
    // The site's variables take the place of a `.env`.
    CHECK(why({{"app/compose.yml", web("    env_file: .env\n")}}).find("app/.env") != std::string::npos);
    CHECK(why({{"app/compose.yml", web("    env_file: .env\n")}}, "A=1\n").empty());
  }

  TEST_CASE("env files are read as compose would, those of the release and the site's") {
    CHECK(why({{"app/compose.yml", web("")}}, "A=1\nB='it's TOPSECRET'\n").find("site.env:2: ") == 0);
    CHECK(why({{"app/compose.yml", web("    env_file: app.env\n")}, {"app/app.env", "A='TOPSECRET\n"}})
              .find("app/app.env:1: ") == 0);
    CHECK(why({{"app/compose.yml", web("    env_file: [{path: app.env, format: raw}]\n")},
               {"app/app.env", "A='TOPSECRET\n"}})
              .empty());
    CHECK(why({{"app/compose.yml", web("")}, {"app/.env", "A='TOPSECRET\n"}}).find("app/.env:1: ") == 0);
    CHECK(says(judged({{"app/compose.yml", web("    env_file: app.env\n")}, {"app/app.env", "A=x${TOPSECRET}\n"}}),
               "app/app.env:1: in the value of A stands a '$'"));
    CHECK(hides(judged({{"app/compose.yml", web("    env_file: app.env\n")}, {"app/app.env", "A=TOPSECRET-9f3c\n"}}),
                "TOPSECRET-9f3c"));
  }

  TEST_CASE("what both the release and the site set is named") {
    const auto both = judged({{"app/compose.yml", web("")}, {"app/.env", "A=1\nB=TOPSECRET\n"}}, "B=TOPSECRET2\n");
    CHECK(says(both, "app/.env:2: B is set by site.env too"));
    CHECK(both.notes.size() == 1);
  }

  TEST_CASE("an override file that nobody would read is named") {
    const auto found = judged({{"app/compose.yml", web("")}, {"app/docker-compose.override.yml", "services: {}\n"}});
    REQUIRE(found.unused.size() == 1);
    CHECK(found.unused[0].find("app/docker-compose.override.yml is in the release") == 0);
    CHECK(judged({{"app/compose.yml", web("")}, {"compose.override.yml", ""}}).unused.empty());
  }

  TEST_CASE("variables that are set nowhere") {
    const auto at = [](const std::string& value) {
      return Named{{"app/compose.yml", web("    command: " + value + "\n")}};
    };
    CHECK(says(judged(at("\"${PORT}\"")), "app/compose.yml:4: the variable PORT is set nowhere"));
    CHECK(judged(at("\"${PORT} $PORT\""), "PORT=1\n").notes.empty());
    CHECK(judged({{"app/compose.yml", web("    command: $PORT\n")}, {"app/.env", "PORT=1\n"}}).notes.empty());
    CHECK(judged(at("\"${PORT:-80} ${PORT-${X}} $$PORT $${X} ${HOME} ${COMPOSE_PROFILES}\"")).notes.empty());
    CHECK(why(at("\"${PORT:?say which}\"")) == "app/compose.yml:4: the variable PORT is required, and set nowhere");
    CHECK(why(at("\"${PORT?}\""), "PORT=\n").empty());
    CHECK(why(at("\"${PORT\"")).find("app/compose.yml:4: a '${' begins no variable") == 0);
    CHECK(why(at("\"${9}\"")).find("app/compose.yml:4: a '${' begins no variable") == 0);
    CHECK(judged({{"app/compose.yml", "x-note: ${NOWHERE}\n" + web("")}}).notes.empty());
  }

  TEST_CASE("a piece of a hash that compose would print is hidden") {
    const auto found = judged({{"app/compose.yml", web("    environment: {HASH: $2y$10$topSECRETx/klm}\n")}});
    CHECK(hides(found, "topSECRETx"));
    CHECK(hides(found, "$2y$10$topSECRETx/klm"));
    CHECK(says(found, "write $$ for a '$'"));
  }

  TEST_CASE("what is there only while compose works is not mounted") {
    const Named files = {{"app/compose.yml", web("    volumes: [\"./.env:/app/.env\"]\n")}, {"app/.env", "A=1\n"}};
    CHECK(why(files).empty());
    CHECK(why(files, "B=1\n").find("app/compose.yml:4: the file .env is mounted") == 0);
    CHECK(why({{"app/compose.yml", web("") + "secrets:\n  s: {file: .env}\n"}}, "B=1\n").find("is mounted") !=
          std::string::npos);
  }

  TEST_CASE("the site's values lie over the release's while compose works, and nothing stays behind") {
    const base::TempDir dir(base::temporary_parent(), "inputs-");
    const std::string tree = dir.path() + "/tree";
    test::write(tree + "/.env", "A=1\nB=2\n");
    test::write(dir.path() + "/secrets/.env", "B=TOPSECRET\n");
    {
      const Environment environment(tree, dir.path() + "/secrets/.env", env::Dialect::compose_v2);
      CHECK(base::read_file(tree + "/.env", 1000) == "A='1'\nB='TOPSECRET'\n");
      REQUIRE(environment.file().has_value());
      CHECK(base::read_file(*environment.file(), 1000) == "A='1'\nB='TOPSECRET'\n");
      // As after a kill: the next one puts it right.
      const Environment next(tree, std::nullopt, env::Dialect::compose_v2);
      CHECK(base::read_file(tree + "/.env", 1000) == "A=1\nB=2\n");
    }
    CHECK(base::read_file(tree + "/.env", 1000) == "A=1\nB=2\n");
    test::write(dir.path() + "/old/.env", "A='unclosed\n");
    const Environment raw(tree, dir.path() + "/old/.env", env::Dialect::compose_v1);
    CHECK(*raw.file() == dir.path() + "/old/.env");
  }
}
