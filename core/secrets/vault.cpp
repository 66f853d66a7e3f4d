// SPDX-License-Identifier: Apache-2.0
#include "core/secrets/vault.hpp"

#include "core/base/error.hpp"
#include "core/base/files.hpp"
#include "core/base/text.hpp"
#include "core/log/log.hpp"
#include "core/secrets/jwt.hpp"
#include "core/secrets/mount.hpp"

#include <cstdint>

namespace wrktalk::secrets {
namespace {

using base::Deadline;
using base::Error;
using base::Kind;
using base::Secret;
using nlohmann::json;

constexpr std::size_t kLargestToken = 64 * 1024;
constexpr int kForbidden = 403;

Secret read_jwt(const std::string& path) {
  try {
    const std::string text = base::trim(base::read_file(path, kLargestToken));
    if (text.empty()) throw Error(Kind::failed, path + " is empty");
    return Secret(text);
  } catch (const Error& e) {
    throw Error(Kind::configuration, std::string("no token to log in to Vault with: ") + e.what(),
                "in Kubernetes mount the service account's token; elsewhere name a file (WRKTALK_AGENT_VAULT_JWT_FILE) "
                "or another way (WRKTALK_AGENT_VAULT_AUTH)");
  }
}

std::string hint_for_login(const Settings& settings, int status) {
  const std::string at = "auth/" + settings.auth_mount;
  if (status == 404) return "check WRKTALK_AGENT_VAULT_AUTH_MOUNT and VAULT_NAMESPACE (`vault auth list`)";
  if (settings.auth == Auth::approle) return "check role id and secret id (`vault read " + at + "/role/NAME/role-id`)";
  const std::string read_role = "`vault read " + at + "/role/" + settings.role + "`";
  if (status == 400) return "check WRKTALK_AGENT_VAULT_ROLE and what that role wants (" + read_role + ")";
  return "check that " + at + " is there, that its role takes this service account and namespace (" + read_role +
         "), and that Vault reaches the cluster's API server";
}

Lease lease_of(const json& duration, const json& renewable) {
  Lease lease;
  if (duration.is_number_integer()) lease.duration = std::chrono::seconds(duration.get<std::int64_t>());
  lease.renewable = renewable.is_boolean() && renewable.get<bool>();
  return lease;
}

Lease lease_of(const json& auth) {
  return lease_of(auth.value("lease_duration", json()), auth.value("renewable", json()));
}

json member(const json& object, const char* name) { return object.is_object() ? object.value(name, json()) : json(); }

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

Vault::Vault(Settings settings) : settings_(std::move(settings)), api_(settings_.server) {}

Vault::~Vault() { revoke(); }

Answer Vault::login_answer(base::Pulse& pulse, Deadline deadline) {
  const std::string path = "auth/" + settings_.auth_mount + "/login";
  if (settings_.auth == Auth::approle) {
    const json body = {{"role_id", settings_.role_id}, {"secret_id", settings_.secret_id.reveal()}};
    const Answer answer = api_.call("POST", path, Secret(), body, pulse, deadline);
    if (!answer.good()) throw api_.refusal("login at " + path, answer, hint_for_login(settings_, answer.status));
    return answer;
  }
  const Secret jwt = read_jwt(settings_.jwt_file);
  const json body = {{"role", settings_.role}, {"jwt", jwt.reveal()}};
  const Answer answer = api_.call("POST", path, Secret(), body, pulse, deadline);
  if (answer.good()) return answer;
  throw api_.refusal("login at " + path + " as role " + settings_.role + " with " + settings_.jwt_file + " (" +
                         describe_jwt(jwt.reveal(), std::chrono::system_clock::now()) + ")",
                     answer, hint_for_login(settings_, answer.status));
}

void Vault::log_in(base::Pulse& pulse, Deadline deadline) {
  if (settings_.auth == Auth::token) {
    const Answer answer = api_.call("GET", "auth/token/lookup-self", settings_.token, {}, pulse, deadline);
    const json data = member(answer.body, "data");
    // A policy may keep a token from looking at itself.
    hold(settings_.token.reveal(),
         data.is_object() ? lease_of(data.value("ttl", json()), data.value("renewable", json())) : Lease());
    return;
  }
  const Answer answer = login_answer(pulse, deadline);
  const json auth = member(answer.body, "auth");
  const json token = member(auth, "client_token");
  if (!token.is_string() || token.get<std::string>().empty()) {
    throw api_.refusal(
        "login at auth/" + settings_.auth_mount, answer,
        "the answer has no token: check that VAULT_ADDR is Vault's, and that the login needs no second factor");
  }
  const Secret fresh(token.get<std::string>());
  revoke();
  hold(fresh.reveal(), lease_of(auth));
}

void Vault::hold(const std::string& token, const Lease& lease) {
  token_ = Secret(token);
  lease_ = lease;
  renewal_due_ = lease.duration.count() > 0 ? Deadline::in(lease.duration * 2 / 3) : Deadline::never();
}

void Vault::renew(base::Pulse& pulse, Deadline deadline) {
  constexpr std::chrono::seconds kRetry{10};
  renewal_due_ = Deadline::in(kRetry);
  if (lease_.renewable) {
    const Answer answer = api_.call("POST", "auth/token/renew-self", token_, json::object(), pulse, deadline);
    const Lease renewed = answer.good() ? lease_of(member(answer.body, "auth")) : Lease();
    // What is granted shrinks when the token's longest life is near.
    if (answer.good() && renewed.duration * 2 >= lease_.duration) {
      renewal_due_ = Deadline::in(renewed.duration * 2 / 3);
      log::debug("vault.renewed", "the login is renewed", {{"lease_s", std::to_string(renewed.duration.count())}});
      return;
    }
  }
  if (settings_.auth == Auth::token) {
    renewal_due_ = Deadline::never();
    log::warn("vault.renewal_ended", api_.name() + " renews the token no longer",
              {{"hint", "give a new VAULT_TOKEN, or a role to log in with"}});
    return;
  }
  log_in(pulse, deadline);
  log::debug("vault.login", "logged in again: the login's renewals came to their end");
}

void Vault::revoke() noexcept {
  constexpr std::chrono::seconds kLongest{3};
  if (settings_.auth == Auth::token || token_.empty()) return;
  try {
    base::NoPulse pulse;
    const Answer answer =
        api_.call("POST", "auth/token/revoke-self", token_, json::object(), pulse, Deadline::in(kLongest));
    if (!answer.good() && answer.status != kForbidden) throw api_.refusal("auth/token/revoke-self", answer, "");
  } catch (const std::exception& e) {
    log::warn("vault.not_revoked", std::string("the login's token is not revoked: ") + e.what(),
              {{"hint", "it ends by itself after " + base::human_duration(lease_.duration)}});
  }
  token_ = Secret();
}

Answer Vault::get(const std::string& path, base::Pulse& pulse, Deadline deadline) {
  return api_.call("GET", path, token_, {}, pulse, deadline);
}

Variables Vault::read(base::Pulse& pulse, Deadline deadline) {
  const bool old_login = !token_.empty();
  if (!old_login) log_in(pulse, deadline);
  const auto read_with_login = [&] {
    const Mount mount =
        mount_of(api_, settings_.path, get("sys/internal/ui/mounts/" + settings_.path, pulse, deadline));
    const Answer answer = get(mount.api_path(settings_.path), pulse, deadline);
    return variables_of(fields_of(api_, settings_.path, mount, answer), settings_.path);
  };
  try {
    return read_with_login();
  } catch (const Forbidden&) {
    if (!old_login || settings_.auth == Auth::token) throw;
  }
  log_in(pulse, deadline);
  return read_with_login();
}

}  // namespace wrktalk::secrets
