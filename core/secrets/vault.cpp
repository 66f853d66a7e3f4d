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
  Lease lease = lease_of(auth.value("lease_duration", json()), auth.value("renewable", json()));
  lease.batch = auth.value("token_type", json()) == "batch";
  return lease;
}

json member(const json& object, const char* name) { return object.is_object() ? object.value(name, json()) : json(); }

/// Whether it begins as Vault's and OpenBao's tokens do.
bool looks_like_token(const Secret& text) {
  return base::starts_with(text.reveal(), "hvs.") || base::starts_with(text.reveal(), "s.");
}

/// "auth/kubernetes", as Vault Agent has it, is the method at kubernetes.
Settings plain(Settings settings) {
  settings.path = plain_path(settings.path);
  settings.auth_mount = plain_path(settings.auth_mount);
  constexpr std::string_view kAuth = "auth/";
  if (base::starts_with(settings.auth_mount, kAuth)) settings.auth_mount.erase(0, kAuth.size());
  return settings;
}

}  // namespace

Vault::Vault(Settings settings) : settings_(plain(std::move(settings))), api_(settings_.server) {}

Vault::~Vault() { revoke(); }

/// What an answer stands for: Vault wraps it where a policy wants that, or when it was asked to.
Answer Vault::opened(Answer answer, base::Pulse& pulse, Deadline deadline) const {
  const json token = member(member(answer.body, "wrap_info"), "token");
  if (!answer.good() || !token.is_string()) return answer;
  return api_.call("POST", "sys/wrapping/unwrap", Secret(token.get<std::string>()), json::object(), pulse, deadline);
}

/// What a wrapping token that was given to us holds; nothing when it is none, or was used before.
std::optional<Answer> Vault::unwrapped(const Secret& token, base::Pulse& pulse, Deadline deadline) const {
  if (token.empty()) return std::nullopt;
  const json asked = {{"token", token.reveal()}};
  if (!api_.call("POST", "sys/wrapping/lookup", Secret(), asked, pulse, deadline).good()) return std::nullopt;
  Answer answer = api_.call("POST", "sys/wrapping/unwrap", token, json::object(), pulse, deadline);
  if (!answer.good()) return std::nullopt;
  return answer;
}

Answer Vault::approle_login(base::Pulse& pulse, Deadline deadline) {
  const std::string path = "auth/" + settings_.auth_mount + "/login";
  const auto try_login = [&] {
    const json body = {{"role_id", settings_.role_id}, {"secret_id", settings_.secret_id.reveal()}};
    return opened(api_.call("POST", path, Secret(), body, pulse, deadline), pulse, deadline);
  };
  Answer answer = try_login();
  if (answer.good()) return answer;
  if (const auto held = unwrapped(settings_.secret_id, pulse, deadline)) {
    const json secret_id = member(member(held->body, "data"), "secret_id");
    if (secret_id.is_string()) {
      // A wrapping token opens once; later logins need what it held.
      settings_.secret_id = Secret(secret_id.get<std::string>());
      log::add_secret(settings_.secret_id);
      answer = try_login();
    }
  }
  if (answer.good()) return answer;
  throw api_.refusal("login at " + path, answer,
                     looks_like_token(settings_.secret_id)
                         ? "make a new secret id: this one looks like a wrapping token that was used before or is over"
                         : hint_for_login(settings_, answer.status));
}

Answer Vault::login_answer(base::Pulse& pulse, Deadline deadline) {
  if (settings_.auth == Auth::approle) return approle_login(pulse, deadline);
  const std::string path = "auth/" + settings_.auth_mount + "/login";
  const Secret jwt = read_jwt(settings_.jwt_file);
  const json body = {{"role", settings_.role}, {"jwt", jwt.reveal()}};
  const Answer answer = opened(api_.call("POST", path, Secret(), body, pulse, deadline), pulse, deadline);
  if (answer.good()) return answer;
  throw api_.refusal("login at " + path + " as role " + settings_.role + " with " + settings_.jwt_file + " (" +
                         describe_jwt(jwt.reveal(), std::chrono::system_clock::now()) + ")",
                     answer, hint_for_login(settings_, answer.status));
}

void Vault::log_in(base::Pulse& pulse, Deadline deadline) {
  if (settings_.auth == Auth::token) {
    // First, as any other use of a wrapping token would use it up.
    const auto held = unwrapped(settings_.token, pulse, deadline);
    const json auth = held ? member(held->body, "auth") : json();
    if (const json inner = member(auth, "client_token"); inner.is_string()) {
      hold(inner.get<std::string>(), lease_of(auth));
      return;
    }
    const Answer answer = api_.call("GET", "auth/token/lookup-self", settings_.token, {}, pulse, deadline);
    const json data = member(answer.body, "data");
    // A policy may keep a token from looking at itself.
    given_ = true;
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
  given_ = false;
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
  if (given_ || token_.empty()) return;
  if (lease_.batch) {
    token_ = Secret();
    return;
  }
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
  const Answer answer = opened(api_.call("GET", path, token_, {}, pulse, deadline), pulse, deadline);
  if (answer.status != kForbidden) return answer;
  // A policy with min_wrapping_ttl lets a secret be read in a wrapping alone.
  const Answer wrapped =
      opened(api_.call("GET", path, token_, {}, pulse, deadline, Api::Wrapping::wrapped), pulse, deadline);
  return wrapped.good() ? wrapped : answer;
}

json Vault::fields(const std::string& asked, base::Pulse& pulse, Deadline deadline) {
  const std::string path = plain_path(asked);
  const bool old_login = !token_.empty();
  if (!old_login) log_in(pulse, deadline);
  const auto read_with_login = [&] {
    const Mount mount = mount_of(api_, path, get("sys/internal/ui/mounts/" + path, pulse, deadline));
    return fields_of(api_, path, mount, get(mount.api_path(path), pulse, deadline));
  };
  try {
    return read_with_login();
  } catch (const Forbidden&) {
    if (!old_login || settings_.auth == Auth::token) throw;
  }
  log_in(pulse, deadline);
  return read_with_login();
}

Variables Vault::read(base::Pulse& pulse, Deadline deadline) {
  return variables_of(fields(settings_.path, pulse, deadline), settings_.path);
}

}  // namespace wrktalk::secrets
