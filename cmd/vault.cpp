// SPDX-License-Identifier: Apache-2.0
#include "cmd/vault.hpp"

#include "cmd/inputs.hpp"
#include "core/base/error.hpp"
#include "core/log/log.hpp"

namespace wrktalk::cmd {
namespace {

using base::Deadline;
using base::Error;
using base::Kind;

/// How long an agent that has other things to do waits for Vault.
constexpr std::chrono::seconds kPatience{3};

secrets::Auth auth_of(config::VaultAuth auth) {
  switch (auth) {
    case config::VaultAuth::kubernetes: return secrets::Auth::kubernetes;
    case config::VaultAuth::jwt: return secrets::Auth::jwt;
    case config::VaultAuth::approle: return secrets::Auth::approle;
    case config::VaultAuth::token: return secrets::Auth::token;
  }
  return secrets::Auth::kubernetes;
}

const char* default_mount(secrets::Auth auth) {
  switch (auth) {
    case secrets::Auth::kubernetes: return "kubernetes";
    case secrets::Auth::jwt: return "jwt";
    case secrets::Auth::approle: return "approle";
    case secrets::Auth::token: return "token";
  }
  return "";
}

void require(const std::string& value, const std::string& setting, const std::string& hint) {
  if (value.empty()) throw Error(Kind::configuration, setting + " is not set", hint);
}

bool verifies(const config::Vault& vault) {
  if (vault.skip_verify != vault.insecure) {
    throw Error(Kind::configuration,
                vault.skip_verify ? "VAULT_SKIP_VERIFY would let anybody in between read the password"
                                  : "--vault-insecure is given, but VAULT_SKIP_VERIFY is not set",
                "name the CA of Vault's certificate by VAULT_CACERT instead; to skip the check all the same, say both "
                "VAULT_SKIP_VERIFY=true and --vault-insecure");
  }
  if (vault.insecure) log::warn("vault.unverified", "Vault's certificate is not verified, as VAULT_SKIP_VERIFY asks");
  return !vault.insecure;
}

}  // namespace

secrets::Settings vault_settings(const config::Vault& vault) {
  require(vault.address, "VAULT_ADDR", "set it to Vault's address, https://HOST:PORT");
  require(vault.path, "WRKTALK_AGENT_VAULT_PATH", "set it to the secret's MOUNT/PATH");
  secrets::Settings settings;
  settings.server = {vault.address, vault.namespace_, vault.ca_file, verifies(vault), vault.allow_http};
  settings.auth = auth_of(vault.auth);
  settings.auth_mount = vault.auth_mount.empty() ? default_mount(settings.auth) : vault.auth_mount;
  settings.role = vault.role;
  settings.jwt_file = vault.jwt_file;
  settings.role_id = vault.role_id;
  settings.secret_id = base::Secret(vault.secret_id);
  settings.token = base::Secret(vault.token);
  settings.path = vault.path;
  if (settings.auth == secrets::Auth::approle) {
    require(vault.role_id, "WRKTALK_AGENT_VAULT_ROLE_ID", "set it for a login by approle");
    require(vault.secret_id, "WRKTALK_AGENT_VAULT_SECRET_ID", "set it, or the _FILE form, for a login by approle");
  }
  if (settings.auth == secrets::Auth::token) {
    require(vault.token, "VAULT_TOKEN",
            "set it, or VAULT_TOKEN_FILE, or log in another way (WRKTALK_AGENT_VAULT_AUTH)");
  }
  return settings;
}

VaultLogin::VaultLogin(Env& env, config::Inputs inputs)
    : env_(env), inputs_(std::move(inputs)), vault_(vault_settings(env.settings.vault)) {
  inputs_.pg_env_path = "Vault, " + env.settings.vault.path;
  SignalPulse pulse(env.signals);
  take(vault_.read(pulse, Deadline::in(env.settings.vault.timeout)));
}

void VaultLogin::take(const secrets::Variables& variables) {
  inputs_.pg_env = {variables.begin(), variables.end()};
  settle(env_, inputs_);
}

db::ConnectionSettings VaultLogin::fresh() {
  base::NoPulse pulse;
  take(vault_.read(pulse, Deadline::in(kPatience)));
  return agent_database(env_, "poll");
}

void VaultLogin::keep() noexcept {
  try {
    base::NoPulse pulse;
    vault_.renew(pulse, Deadline::in(kPatience));
  } catch (const std::exception& e) {
    log::warn("vault.not_renewed", e.what());
  }
}

}  // namespace wrktalk::cmd
