// SPDX-License-Identifier: Apache-2.0
#include "core/secrets/settings.hpp"

#include "core/base/error.hpp"
#include "core/log/log.hpp"

namespace wrktalk::secrets {
namespace {

using namespace settings;
using base::Error;
using base::Kind;

constexpr Choices<Auth, 4> kAuths = {
    {{"kubernetes", Auth::kubernetes}, {"jwt", Auth::jwt}, {"approle", Auth::approle}, {"token", Auth::token}}};

/// A token that is there is used when nothing else is said.
void take_auth(Settings& out, const Reader& read, const char* key) {
  if (!read.text(key).empty()) {
    out.auth = read.choice(key, kAuths);
  } else if (!read.text("vault.token").empty()) {
    out.auth = Auth::token;
  }
}

// clang-format off
constexpr Field<Settings> kFields[] = {
    {{"vault.use", "WRKTALK_AGENT_VAULT", "", "--vault", "", Form::toggle, "Take the database's host, port, name, user and password from Vault"},
     toggle<&Settings::use>},
    {{"vault.address", "VAULT_ADDR", "", "--vault-addr", "", Form::value, "Vault's address, https://HOST:PORT"},
     [](Settings& out, const Reader& read, const char* key) { out.server.address = read.text(key); }},
    {{"vault.ca_file", "VAULT_CACERT", "", "--vault-ca-file", "", Form::value, "PEM file with the CA of Vault's certificate; when empty the system's"},
     [](Settings& out, const Reader& read, const char* key) { out.server.ca_file = read.optional_path(key); }},
    {{"vault.skip_verify", "VAULT_SKIP_VERIFY", "", "", "", Form::toggle, "Do not verify Vault's certificate; counts only together with --vault-insecure"},
     toggle<&Settings::skip_verify>},
    {{"vault.insecure", "WRKTALK_AGENT_VAULT_INSECURE", "", "--vault-insecure", "", Form::toggle, "Mean it when VAULT_SKIP_VERIFY says so: whoever is in between reads the password"},
     toggle<&Settings::insecure>},
    {{"vault.namespace", "VAULT_NAMESPACE", "", "--vault-namespace", "", Form::value, "Vault's namespace"},
     [](Settings& out, const Reader& read, const char* key) { out.server.namespace_ = read.text(key); }},
    {{"vault.auth", "WRKTALK_AGENT_VAULT_AUTH", "", "--vault-auth", "", Form::value, "How to log in: kubernetes, jwt, approle or token; when empty token if there is a VAULT_TOKEN, else kubernetes"},
     take_auth},
    {{"vault.auth_mount", "WRKTALK_AGENT_VAULT_AUTH_MOUNT", "", "--vault-auth-mount", "", Form::value, "Where that auth method is mounted; when empty its name"},
     text<&Settings::auth_mount>},
    {{"vault.role", "WRKTALK_AGENT_VAULT_ROLE", "", "--vault-role", "agent-executor", Form::value, "Role to log in with by kubernetes or jwt"},
     text<&Settings::role>},
    {{"vault.jwt_file", "WRKTALK_AGENT_VAULT_JWT_FILE", "", "--vault-jwt-file", "/var/run/secrets/kubernetes.io/serviceaccount/token", Form::value, "Token to log in with by kubernetes or jwt, read anew each time"},
     path<&Settings::jwt_file>},
    {{"vault.role_id", "WRKTALK_AGENT_VAULT_ROLE_ID", "", "--vault-role-id", "", Form::value, "Role id to log in with by approle"},
     text<&Settings::role_id>},
    {{"vault.secret_id", "WRKTALK_AGENT_VAULT_SECRET_ID", "", "", "", Form::secret, "Secret id to log in with by approle"},
     secret<&Settings::secret_id>},
    {{"vault.token", "VAULT_TOKEN", "", "", "", Form::secret, "Token to use as it is"},
     secret<&Settings::token>},
    {{"vault.path", "WRKTALK_AGENT_VAULT_PATH", "", "--vault-path", "kv/bizmatters/agent-executor/postgres", Form::value, "Secret of a KV engine, version 1 or 2, with host, port, database, username, password"},
     text<&Settings::path>},
    {{"vault.timeout", "WRKTALK_AGENT_VAULT_TIMEOUT", "", "--vault-timeout", "30s", Form::value, "How long to try while Vault is away, sealed or busy"},
     duration<&Settings::timeout, 0>},
    {{"http.allow"}, [](Settings& out, const Reader& read, const char* key) { out.server.plain_hosts = read.hosts(key); }},
};
// clang-format on

const char* default_mount(Auth auth) {
  for (const auto& [name, value] : kAuths) {
    if (value == auth) return name;
  }
  return "";
}

void require(bool is_there, const std::string& setting, const std::string& hint) {
  if (!is_there) throw Error(Kind::configuration, setting + " is not set", hint);
}

bool verifies(const Settings& vault) {
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

const char* to_text(Auth auth) noexcept {
  switch (auth) {
    case Auth::kubernetes: return "Kubernetes";
    case Auth::jwt: return "JWT";
    case Auth::approle: return "AppRole";
    case Auth::token: return "token";
  }
  return "";
}

settings::Fields<Settings> setting_fields() noexcept { return kFields; }

Settings checked(Settings settings) {
  settings = checked_login(std::move(settings));
  require(!settings.path.empty(), "WRKTALK_AGENT_VAULT_PATH", "set it to the secret's MOUNT/PATH");
  return settings;
}

Settings checked_login(Settings settings) {
  require(!settings.server.address.empty(), "VAULT_ADDR", "set it to Vault's address, https://HOST:PORT");
  settings.server.verify = verifies(settings);
  if (settings.auth_mount.empty()) settings.auth_mount = default_mount(settings.auth);
  if (settings.auth == Auth::approle) {
    require(!settings.role_id.empty(), "WRKTALK_AGENT_VAULT_ROLE_ID", "set it for a login by approle");
    require(!settings.secret_id.empty(), "WRKTALK_AGENT_VAULT_SECRET_ID",
            "set it, or the _FILE form, for a login by approle");
  }
  if (settings.auth == Auth::token) {
    require(!settings.token.empty(), "VAULT_TOKEN",
            "set it, or VAULT_TOKEN_FILE, or log in another way (WRKTALK_AGENT_VAULT_AUTH)");
  }
  return settings;
}

}  // namespace wrktalk::secrets
