// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/env_file.hpp"

#include "core/base/text.hpp"
#include "core/deploy/tools.hpp"
#include "core/yaml/document.hpp"
#include "tests/core/deploy/support.hpp"
#include "tests/support/have.hpp"

#include <map>
#include <random>

using namespace wrktalk;
using namespace wrktalk::deploy;
using namespace wrktalk::deploy::test;
using wrktalk::test::have;

namespace {

/// Values of everything that quotes, escapes, comments and variables are made of.
env::File odd_values() {
  const std::vector<std::string> parts = {"\\",  "'", "\"",  "$",    "{", "}", "a",  "b",  "#",       " ",
                                          "\n",  "=", "(",   ")",    ":", "-", "\t", "`",  "\\n",     "${A}",
                                          "$V1", "é", "\\'", "\\\"", "~", "*", "%",  "\r", "$2y$10$", "${B:-c}"};
  std::mt19937 random(14);
  env::File file;
  while (file.variables.size() < 120) {
    std::string value;
    for (std::size_t i = random() % 9; i > 0; --i) value += parts[random() % parts.size()];
    // Compose v1 cannot be given a value that ends so, unless it needs no quotes: env::read refuses it.
    if (!value.empty() && value.back() == '\\') value += "x";
    file.variables.push_back({"V" + std::to_string(file.variables.size()), value, 1});
  }
  file.variables.push_back({"LAST", "C:\\dir\\", 1});
  return file;
}

std::string undoubled(std::string text) {
  for (std::size_t at = text.find("$$"); at != std::string::npos; at = text.find("$$", at + 1)) text.erase(at, 1);
  return text;
}

}  // namespace

TEST_SUITE("deploy::env with real compose") {
  TEST_CASE("every value arrives byte for byte, in services and where the compose file names it") {
    const env::File file = odd_values();
    for (const bool is_v1 : {false, true}) {
      CAPTURE(is_v1);
      LongFence fence;
      base::NoPulse quiet;
      const Tools tools(allowed_environment({"DOCKER_*"}, {}), fence.get(), {});
      std::vector<std::string> words = {"docker", "compose"};
      if (is_v1) words = {"docker-compose"};
      std::string problem;
      try {
        auto version = words;
        version.push_back("version");
        const auto answer = tools.look(version, quiet);
        if (!answer.good()) problem = answer.describe();
      } catch (const base::Error& e) {
        problem = e.what();
      }
      if (!have(is_v1 ? "docker-compose" : "docker compose", problem.empty(), problem)) continue;
      const base::TempDir dir(base::temporary_parent(), "env-");
      std::string compose = "version: \"3.8\"\nservices:\n  web:\n    image: x\n    env_file: .env\n    environment:\n";
      for (const auto& variable : file.variables)
        compose += "      I" + variable.name + ": \"${" + variable.name + "}\"\n";
      write(dir.path() + "/compose.yml", compose);
      write(dir.path() + "/.env", env::write(file, is_v1 ? env::Dialect::compose_v1 : env::Dialect::compose_v2));
      words.insert(words.end(), {"-f", dir.path() + "/compose.yml", "--env-file", dir.path() + "/.env", "config"});
      if (!is_v1) words.insert(words.end(), {"--format", "json"});
      const auto answer = tools.look(words, quiet);
      REQUIRE_MESSAGE(answer.good(), answer.err);
      const auto documents = is_v1 ? yaml::read(answer.out, "config") : yaml::read_json(answer.out, "config");
      const yaml::Node* environment =
          documents.front().root().values("services").front()->values("web").front()->values("environment").front();
      std::map<std::string, std::string> seen;
      for (const auto& [name, value] : environment->own) seen[name->text] = undoubled(value->text);
      for (const auto& variable : file.variables) {
        CAPTURE(variable.value);
        CHECK(seen[variable.name] == variable.value);
        CHECK(seen["I" + variable.name] == variable.value);
      }
    }
  }
}
