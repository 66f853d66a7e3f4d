// SPDX-License-Identifier: Apache-2.0
#include "core/agent/settings.hpp"

#include "core/base/text.hpp"

#include <doctest/doctest.h>

using namespace wrktalk;
namespace policy = deploy::policy;

namespace {

config::Settings parsed(const std::map<std::string, std::string>& environment) {
  config::Inputs in;
  in.environment = environment;
  in.host_name = "box";
  return config::parse(config::resolve(in), [](const std::string&) { return config::Parameters{}; });
}

}  // namespace

TEST_SUITE("agent::settings") {
  TEST_CASE("each rule of the policy is a setting, and each setting of a rule is one") {
    std::size_t rules = 0;
    for (const auto& item : config::definitions()) {
      const std::string key = item.key;
      if (!base::starts_with(key, "policy.") || key == "policy.level" || key == "policy.data_dirs" ||
          key == "policy.images")
        continue;
      CAPTURE(key);
      const auto rule = policy::parse_rule(key.substr(7));
      REQUIRE(rule);
      ++rules;
      for (const auto& [word, action] : std::initializer_list<std::pair<const char*, policy::Action>>{
               {"allow", policy::Action::allow}, {"warn", policy::Action::warn}, {"refuse", policy::Action::refuse}}) {
        CHECK(agent::policy_from(parsed({{item.variable, word}})).of(*rule) == action);
      }
      CHECK(agent::policy_from(parsed({{"WRKTALK_AGENT_POLICY", "strict"}})).of(*rule) == policy::Action::refuse);
      CHECK(agent::policy_from(parsed({{"WRKTALK_AGENT_POLICY", "allow"}})).of(*rule) == policy::Action::allow);
      CHECK(agent::policy_from(parsed({})).of(*rule) == policy::Policy().of(*rule));
    }
    CHECK(rules == policy::kRules);
  }

  TEST_CASE("what is mounted and where images come from, and the limits, reach those who ask") {
    const auto config = parsed({{"WRKTALK_AGENT_POLICY_DATA_DIRS", "/a,/b"},
                                {"WRKTALK_AGENT_POLICY_IMAGES", "r/"},
                                {"WRKTALK_AGENT_LIMIT_RATIO", "3"},
                                {"WRKTALK_AGENT_LIMIT_CHART_UNPACKED_SIZE", "5kB"}});
    CHECK(agent::policy_from(config).data_dirs == std::vector<std::string>{"/a", "/b"});
    CHECK(agent::policy_from(config).image_places == std::vector<std::string>{"r/"});
    CHECK(agent::limits_from(config).ratio == 3);
    CHECK(agent::limits_from(config).of("helm").unpacked_bytes == 5'000);
    const artifact::Limits defaults;
    CHECK(agent::limits_from(parsed({})).unpacked_bytes == defaults.unpacked_bytes);
    CHECK(agent::limits_from(parsed({})).entries == defaults.entries);
    CHECK(agent::limits_from(parsed({})).ratio == defaults.ratio);
    CHECK(agent::limits_from(parsed({})).chart_unpacked_bytes == defaults.chart_unpacked_bytes);
    CHECK(agent::limits_from(parsed({})).chart_entries == defaults.chart_entries);
  }
}
