// SPDX-License-Identifier: Apache-2.0
#include "core/config/unknown.hpp"

#include "core/config/settings.hpp"

#include <doctest/doctest.h>

using namespace wrktalk::config;

namespace {

std::vector<std::string> told(const std::map<std::string, std::string>& environment) {
  std::vector<std::string> texts;
  for (const auto& unknown : unknown_variables(environment)) texts.push_back(to_text(unknown));
  return texts;
}

}  // namespace

TEST_SUITE("config::unknown_variables") {
  TEST_CASE("a misspelt one is told with the setting that was meant") {
    CHECK(told({{"WRKTALK_AGENT_MAINTENANCE_HANDLER", "none"},
                {"WRKTALK_AGENT_DB_HSOT", "db"},
                {"WRKTALK_AGENT_DB_HOST_FILE", "/run/secrets/host"},
                {"WRKTALK_AGENT_WEBHOOK_SECRET_FIEL", "x"},
                {"WRKTALK_AGENT_XYZZY", ""}}) ==
          std::vector<std::string>{
              "WRKTALK_AGENT_DB_HOST_FILE is no setting: did you mean WRKTALK_AGENT_DB_HOST?",
              "WRKTALK_AGENT_DB_HSOT is no setting: did you mean WRKTALK_AGENT_DB_HOST?",
              "WRKTALK_AGENT_MAINTENANCE_HANDLER is no setting: did you mean WRKTALK_AGENT_MAINTENANCE_MODE_HANDLER?",
              "WRKTALK_AGENT_WEBHOOK_SECRET_FIEL is no setting: did you mean WRKTALK_AGENT_WEBHOOK_SECRET_FILE?",
              "WRKTALK_AGENT_XYZZY is no setting, and nothing reads it"});
  }

  TEST_CASE("every setting is known, its file where it is a secret, and the config file's name") {
    std::map<std::string, std::string> all = {
        {"WRKTALK_AGENT_CONFIG", "/etc/w.toml"}, {"WRKTALK_OTHER", ""}, {"PATH", ""}};
    for (const auto& item : definitions()) {
      all[item.variable] = "x";
      if (item.is_secret()) all[std::string(item.variable) + "_FILE"] = "x";
    }
    CHECK(unknown_variables(all).empty());
  }

  TEST_CASE("a database of the application's is none, but for what was meant for another setting") {
    CHECK(unknown_variables({{"WRKTALK_AGENT_APP_DSN", "x"}, {"WRKTALK_AGENT_SHOP_2_DSN_FILE", "x"}}).empty());
    CHECK(told({{"WRKTALK_AGENT_CHECKPIONT_DSN", "x"}, {"WRKTALK_AGENT_9_DSN", "x"}}) ==
          std::vector<std::string>{
              "WRKTALK_AGENT_9_DSN is no setting, and nothing reads it",
              "WRKTALK_AGENT_CHECKPIONT_DSN is no setting: did you mean WRKTALK_AGENT_CHECKPOINT_DSN?"});
  }

  TEST_CASE("what Kubernetes sets for a Service of the agent's name is no mistake") {
    CHECK(unknown_variables({{"WRKTALK_AGENT_SERVICE_HOST", "10.0.0.1"},
                             {"WRKTALK_AGENT_SERVICE_PORT", "9464"},
                             {"WRKTALK_AGENT_SERVICE_PORT_HTTP", "9464"},
                             {"WRKTALK_AGENT_PORT", "tcp://10.0.0.1:9464"},
                             {"WRKTALK_AGENT_PORT_9464_TCP", "tcp://10.0.0.1:9464"},
                             {"WRKTALK_AGENT_PORT_9464_TCP_ADDR", "10.0.0.1"}})
              .empty());
  }
}
