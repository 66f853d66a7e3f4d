// SPDX-License-Identifier: Apache-2.0
#include "cmd/app.hpp"
#include "core/base/files.hpp"
#include "core/secrets/vault.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <iostream>

namespace wrktalk::cmd {
namespace {

using base::Deadline;
using base::ExitCode;

ExitCode write_pg_env(const std::string& out, Env& env) {
  const bool text = env.output == Output::text;
  const auto say = [&](const std::string& line) {
    if (text) std::cout << line << std::endl;
  };
  const secrets::Settings settings = secrets::checked(env.settings.agent.vault);
  const std::string path = base::absolute(out);
  secrets::check_pg_env_path(path);

  const auto deadline = Deadline::in(env.settings.agent.vault.timeout);
  SignalPulse pulse(env.signals);
  secrets::Vault vault(settings);
  say(std::string("==> Authenticating to Vault using ") + secrets::to_text(settings.auth) + " auth...");
  vault.log_in(pulse, deadline);
  say("==> Successfully authenticated to Vault");
  say("==> Fetching PostgreSQL credentials from Vault...");
  const secrets::Variables variables = vault.read(pulse, deadline);
  secrets::write_pg_env(path, variables);
  say("==> PostgreSQL credentials fetched successfully");
  const secrets::Variables shown = secrets::without_password(variables);
  if (text) {
    std::cout << secrets::export_lines(shown);
  } else {
    nlohmann::ordered_json document = {{"file", path}, {"secret", settings.path}};
    for (const auto& [name, value] : shown) document["variables"][name] = value;
    print_json(document);
  }
  return ExitCode::done;
}

}  // namespace

void add_secrets(CLI::App& app, Selected& chosen) {
  auto* group = app.add_subcommand("secrets", "The database's credentials out of Vault")->group("Database");
  group->require_subcommand(1);
  auto* sub = group->add_subcommand("pg-env", "Log in to Vault and write pg_env.sh, for `--pg-env` or a shell");
  auto out = std::make_shared<std::string>("/vault/secrets/pg_env.sh");
  sub->add_option("--out", *out, "File to write, 0600, best on a tmpfs")->type_name("FILE")->capture_default_str();
  sub->footer(footer({"wrktalk secrets pg-env --out /vault/secrets/pg_env.sh",
                      "VAULT_ADDR=https://vault:8200 VAULT_CACERT=/etc/vault-ca.pem wrktalk secrets pg-env",
                      "wrktalk migrate up --pg-env /vault/secrets/pg_env.sh",
                      "wrktalk migrate up --vault                  # the same with no file"},
                     {ExitCode::done, ExitCode::failed, ExitCode::usage, ExitCode::configuration, ExitCode::database}));
  sub->callback([out, &chosen] {
    chosen = {"secrets pg-env", [out](Env& env) { return write_pg_env(*out, env); }};
    chosen.offline = true;
  });
}

}  // namespace wrktalk::cmd
