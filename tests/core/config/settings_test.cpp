// SPDX-License-Identifier: Apache-2.0
#include "core/config/settings.hpp"

#include "core/base/error.hpp"
#include "core/base/files.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace wrktalk;
namespace policy = deploy::policy;
using settings::Source;
using std::chrono::milliseconds;

namespace {

config::Inputs on_host_box() {
  config::Inputs in;
  in.file_path = "w.toml";
  in.host_name = "box";
  return in;
}

config::Settings parse(const config::Inputs& in) { return config::parse(config::resolve(in)); }

template <class Work>
std::string problem(const Work& work) {
  try {
    work();
  } catch (const base::Error& e) {
    CHECK(e.kind() == base::Kind::configuration);
    return std::string(e.what()) + " | " + e.hint();
  }
  return {};
}

}  // namespace

TEST_SUITE("config::resolve") {
  TEST_CASE("flag beats environment beats pg_env.sh beats PG* beats file beats default") {
    config::Inputs in = on_host_box();
    const auto host = [&] { return config::resolve(in)["db.host"]; };
    CHECK(host().text == "localhost");
    CHECK(host().origin == "default");
    in.file["db.host"] = "from-file";
    CHECK(host().text == "from-file");
    CHECK(host().origin == "w.toml");
    in.environment["PGHOSTADDR"] = "10.0.0.1";
    CHECK(host().origin == "PGHOSTADDR");
    in.environment["PGHOST"] = "from-libpq";
    CHECK(host().text == "from-libpq");
    CHECK(host().source == Source::pg_environment);
    in.pg_env_path = "pg_env.sh";
    in.pg_env["PGHOST"] = "from-pg-env";
    CHECK(host().text == "from-pg-env");
    CHECK(host().origin == "pg_env.sh");
    in.environment["WRKTALK_AGENT_DB_HOST"] = "from-environment";
    CHECK(host().text == "from-environment");
    CHECK(host().origin == "WRKTALK_AGENT_DB_HOST");
    in.flags["--db-host"] = "from-flag";
    CHECK(host().text == "from-flag");
    CHECK(host().origin == "--db-host");
  }

  TEST_CASE("an empty variable counts as not set") {
    config::Inputs in = on_host_box();
    in.environment["WRKTALK_AGENT_DB_HOST"] = "";
    CHECK(config::resolve(in)["db.host"].text == "localhost");
  }

  TEST_CASE("a secret is read from the file that its _FILE names, without the last line end") {
    const base::TempDir dir(base::private_parent(), "config-test-");
    const std::string path = dir.path() + "/password";
    base::write_private_file(path, "p@ss word\n");
    config::Inputs in = on_host_box();
    in.environment["WRKTALK_AGENT_DB_PASSWORD_FILE"] = path;
    const auto value = config::resolve(in)["db.password"];
    CHECK(value.text == "p@ss word");
    CHECK(value.origin == "WRKTALK_AGENT_DB_PASSWORD_FILE");

    in.environment["WRKTALK_AGENT_DB_PASSWORD"] = "other";
    CHECK(problem([&] { config::resolve(in); }) ==
          "both WRKTALK_AGENT_DB_PASSWORD and WRKTALK_AGENT_DB_PASSWORD_FILE are set | keep one of them");

    config::Inputs file = on_host_box();
    file.file["db.password_file"] = path;
    CHECK(config::resolve(file)["db.password"].text == "p@ss word");
    file.file["db.password_file"] = path + "-missing";
    CHECK(problem([&] { config::resolve(file); }).find("db.password_file: cannot read ") == 0);
  }

  TEST_CASE("an unknown key in the file is refused with the one that was meant") {
    config::Inputs in = on_host_box();
    in.file["db.hots"] = "x";
    CHECK(problem([&] { config::resolve(in); }) == "w.toml: unknown key 'db.hots' | did you mean 'db.host'?");
  }

  TEST_CASE("a secret is shown as stars, and as nothing when there is none") {
    for (const auto& item : config::definitions()) {
      CHECK(config::shown(item, {"text", Source::flag, "", ""}) == (item.is_secret() ? "***" : "text"));
      CHECK(config::shown(item, {"", Source::default_value, "", ""}).empty());
    }
  }

  TEST_CASE("keys and variables are each there once") {
    std::set<std::string> keys;
    std::set<std::string> variables;
    for (const auto& item : config::definitions()) {
      CHECK(keys.insert(item.key).second);
      CHECK(variables.insert(item.variable).second);
    }
  }
}

TEST_SUITE("config::parse") {
  TEST_CASE("what Vault lends goes before pg_env.sh and PG*, and after our own variables and flags") {
    config::Inputs in = on_host_box();
    in.environment["PGHOST"] = "from-libpq";
    in.lent = {{"PGHOST", "from-vault"}, {"PGPASSWORD", "lent"}};
    CHECK(config::resolve(in)["db.host"].text == "from-vault");
    CHECK(config::resolve(in)["db.password"].source == Source::vault);
    CHECK(config::resolve(in)["checkpoint.password"].text == "lent");
    in.environment["WRKTALK_AGENT_DB_HOST"] = "from-environment";
    CHECK(config::resolve(in)["db.host"].text == "from-environment");
  }

  TEST_CASE("a switch is off unless it is said, and takes what Vault's own variables take") {
    config::Inputs in = on_host_box();
    CHECK_FALSE(parse(in).agent.vault.use);
    CHECK(config::resolve(in)["vault.use"].text == "false");
    for (const auto& [word, on] : std::initializer_list<std::pair<const char*, bool>>{
             {"true", true}, {"1", true}, {"TRUE", true}, {"0", false}}) {
      in.environment["WRKTALK_AGENT_VAULT"] = word;
      CHECK(parse(in).agent.vault.use == on);
    }
    in.environment["WRKTALK_AGENT_VAULT"] = "yes";
    CHECK(problem([&] { parse(in); }).find("WRKTALK_AGENT_VAULT: 'yes' is none of its values") == 0);
  }

  TEST_CASE("v4.2's variables keep their names, meaning and defaults") {
    const config::Settings d = parse(on_host_box());
    CHECK(d.agent.deploy.kube_namespace == "wrktalk");
    CHECK(d.agent.deploy.helm_release == "wrktalk");
    CHECK(d.agent.deploy.helm_timeout == milliseconds(600'000));
    CHECK(d.agent.deploy.compose_project == "wrktalk");
    CHECK(d.agent.deploy.compose_working_dir == "/tmp/wrktalk");
    CHECK(d.agent.poll_interval == milliseconds(30'000));
    CHECK(d.agent.heartbeat_interval == milliseconds(60'000));
    CHECK(d.agent.maintenance.handler == maintenance::Handler::nginx);
    CHECK(d.log.level == log::Level::info);
    CHECK(d.agent.agent_id == "box");
    CHECK(d.agent.maintenance.agent_id == "box");

    config::Inputs in = on_host_box();
    in.environment = {{"WRKTALK_AGENT_DEPLOYMENT_TYPE", "kubernetes"},
                      {"WRKTALK_AGENT_KUBE_NAMESPACE", "ns"},
                      {"WRKTALK_AGENT_HELM_RELEASE_NAME", "rel"},
                      {"WRKTALK_AGENT_HELM_TIMEOUT", "1h30m"},
                      {"WRKTALK_AGENT_COMPOSE_PROJECT_NAME", "proj"},
                      {"WRKTALK_AGENT_COMPOSE_WORKING_DIR", "/srv/x"},
                      {"WRKTALK_AGENT_POLL_INTERVAL", "5"},
                      {"WRKTALK_AGENT_HEARTBEAT_INTERVAL", "250ms"},
                      {"WRKTALK_AGENT_MAINTENANCE_MODE_HANDLER", "haproxy"},
                      {"WRKTALK_AGENT_LOG_LEVEL", "warning"},
                      {"WRKTALK_AGENT_TARGETS", "docker:a, ,kubernetes:n/r"}};
    const config::Settings s = parse(in);
    CHECK(s.agent.deployment_type == base::TargetKind::kubernetes);
    CHECK(s.agent.deploy.kube_namespace == "ns");
    CHECK(s.agent.deploy.helm_release == "rel");
    CHECK(s.agent.deploy.helm_timeout == milliseconds(5'400'000));
    CHECK(s.agent.deploy.compose_project == "proj");
    CHECK(s.agent.deploy.compose_working_dir == "/srv/x");
    CHECK(s.agent.poll_interval == milliseconds(5'000));
    CHECK(s.agent.heartbeat_interval == milliseconds(250));
    CHECK(s.agent.maintenance.handler == maintenance::Handler::haproxy);
    CHECK(s.log.level == log::Level::warn);
    CHECK(s.agent.more_targets == std::vector<std::string>{"docker:a", "kubernetes:n/r"});
  }

  TEST_CASE("a relative path is made absolute, a program's name is left to PATH") {
    config::Inputs programs = on_host_box();
    programs.flags = {{"--host-activate", "bin/activate"}, {"--helm-bin", "helm3"}};
    CHECK(parse(programs).agent.deploy.host_activate == base::absolute("bin/activate"));
    CHECK(parse(programs).agent.deploy.helm_bin == "helm3");
    config::Inputs in = on_host_box();
    in.flags["--host-root"] = "some/where";
    CHECK(parse(in).agent.deploy.host_root == base::absolute("some/where"));
    CHECK(parse(in).agent.deploy.host_root.front() == '/');
  }

  TEST_CASE("a wrong value is named with where it came from and what it may be") {
    const auto with = [](const char* variable, const char* value) {
      config::Inputs in = on_host_box();
      in.environment[variable] = value;
      return problem([&] { parse(in); });
    };
    CHECK(with("WRKTALK_AGENT_DEPLOYMENT_TYPE", "nomad") ==
          "WRKTALK_AGENT_DEPLOYMENT_TYPE: 'nomad' is none of its values | use one of kubernetes, docker, host");
    CHECK(with("WRKTALK_AGENT_LOG_LEVEL", "loud") ==
          "WRKTALK_AGENT_LOG_LEVEL: 'loud' is no log level | use one of DEBUG, INFO, WARNING, ERROR");
    CHECK(with("WRKTALK_AGENT_POLL_INTERVAL", "0") ==
          "WRKTALK_AGENT_POLL_INTERVAL: '0' is too short | give at least 100 ms");
    CHECK(with("WRKTALK_AGENT_POLL_INTERVAL", "soon").find("WRKTALK_AGENT_POLL_INTERVAL: ") == 0);
    config::Inputs in = on_host_box();
    in.file["log.format"] = "xml";
    CHECK(problem([&] { parse(in); }) == "log.format (w.toml): 'xml' is none of its values | use one of text, json");
  }

  TEST_CASE("each rule of the policy is a setting, and each setting of a rule is one") {
    const auto policy_with = [](const std::string& variable, const std::string& word) {
      config::Inputs in = on_host_box();
      if (!variable.empty()) in.environment[variable] = word;
      return parse(in).agent.deploy.policy;
    };
    std::size_t rules = 0;
    for (const auto& item : config::definitions()) {
      const std::string key = item.key;
      if (!base::starts_with(key, "policy.")) continue;
      for (std::size_t i = 0; i < policy::kRules; ++i) {
        const auto rule = static_cast<policy::Rule>(i);
        if (key != std::string("policy.") + policy::to_text(rule)) continue;
        CAPTURE(key);
        ++rules;
        CHECK(policy_with(item.variable, "allow").of(rule) == policy::Action::allow);
        CHECK(policy_with(item.variable, "warn").of(rule) == policy::Action::warn);
        CHECK(policy_with(item.variable, "refuse").of(rule) == policy::Action::refuse);
        CHECK(policy_with("WRKTALK_AGENT_POLICY", "strict").of(rule) == policy::Action::refuse);
        CHECK(policy_with("WRKTALK_AGENT_POLICY", "allow").of(rule) == policy::Action::allow);
        CHECK(policy_with("", "").of(rule) == policy::Policy().of(rule));
      }
    }
    CHECK(rules == policy::kRules);
  }

  TEST_CASE("the policy's level, its rules and the limits of archives are settings") {
    config::Inputs in = on_host_box();
    const auto d = parse(in).agent;
    CHECK(d.deploy.policy.actions == policy::Policy().actions);
    CHECK(d.deploy.policy.image_places.empty());
    const artifact::Limits limits;
    CHECK(d.limits.unpacked_bytes == limits.unpacked_bytes);
    CHECK(d.limits.entries == limits.entries);
    CHECK(d.limits.ratio == limits.ratio);
    CHECK(d.limits.chart_unpacked_bytes == limits.chart_unpacked_bytes);
    CHECK(d.limits.chart_entries == limits.chart_entries);
    in.environment = {{"WRKTALK_AGENT_POLICY", "strict"},
                      {"WRKTALK_AGENT_POLICY_HOST_PATHS", "warn"},
                      {"WRKTALK_AGENT_POLICY_DATA_DIRS", "/srv/a, b"},
                      {"WRKTALK_AGENT_POLICY_IMAGES", "r.example.org/a/,r.example.org/b/"},
                      {"WRKTALK_AGENT_LIMIT_CHART_ENTRIES", "7"},
                      {"WRKTALK_AGENT_LIMIT_RATIO", "3"},
                      {"WRKTALK_AGENT_LIMIT_CHART_UNPACKED_SIZE", "5kB"},
                      {"WRKTALK_AGENT_LIMIT_UNPACKED_SIZE", "3 MB"}};
    in.file["policy.crds"] = "allow";
    const auto s = parse(in).agent;
    CHECK(s.deploy.policy.of(policy::Rule::devices) == policy::Action::refuse);
    CHECK(s.deploy.policy.of(policy::Rule::crds) == policy::Action::allow);
    CHECK(s.deploy.policy.of(policy::Rule::host_paths) == policy::Action::warn);
    CHECK(s.deploy.policy.data_dirs == std::vector<std::string>{"/srv/a", base::absolute("b")});
    CHECK(s.deploy.policy.image_places == std::vector<std::string>{"r.example.org/a/", "r.example.org/b/"});
    CHECK(s.limits.chart_entries == 7);
    CHECK(s.limits.ratio == 3);
    CHECK(s.limits.unpacked_bytes == 3'000'000);
    CHECK(s.limits.of("helm").unpacked_bytes == 5'000);
    const auto with = [](const char* variable, const char* value) {
      config::Inputs wrong = on_host_box();
      wrong.environment[variable] = value;
      return problem([&] { parse(wrong); });
    };
    CHECK(with("WRKTALK_AGENT_POLICY", "refuse") ==
          "WRKTALK_AGENT_POLICY: 'refuse' is none of its values | use one of allow, warn, strict");
    CHECK(with("WRKTALK_AGENT_POLICY_DEVICES", "strict") ==
          "WRKTALK_AGENT_POLICY_DEVICES: 'strict' is none of its values | use one of allow, warn, refuse");
    for (const char* bad : {"0", "-1", "1.5GB", "20 XB", "GB", "9999999999999", "999999999999TB", "0x10"}) {
      CHECK(with("WRKTALK_AGENT_LIMIT_UNPACKED_SIZE", bad) ==
            std::string("WRKTALK_AGENT_LIMIT_UNPACKED_SIZE: '") + bad +
                "' is no size | give a size above 0, as 200MB or 20GB");
    }
    CHECK(with("WRKTALK_AGENT_LIMIT_ENTRIES", "3MB") ==
          "WRKTALK_AGENT_LIMIT_ENTRIES: '3MB' is no number | give a whole number above 0");
  }
}
