// SPDX-License-Identifier: Apache-2.0
#include "core/secrets/mount.hpp"

#include "core/base/text.hpp"

namespace wrktalk::secrets {
namespace {

using base::Error;
using base::Kind;
using nlohmann::json;

json member(const json& object, const char* name) { return object.is_object() ? object.value(name, json()) : json(); }

std::string text(const json& object, const char* name) {
  const json value = member(object, name);
  return value.is_string() ? value.get<std::string>() : std::string();
}

constexpr const char* kNeedlessData = "leave \"data/\" out of WRKTALK_AGENT_VAULT_PATH: it is put in by itself";

Forbidden forbidden(const Api& api, const std::string& what, const Answer& answer, const std::string& needed) {
  return Forbidden(Kind::configuration, api.refusal(what, answer, "").what(),
                   "check that the policy lets the login read " + needed +
                       " (`vault policy read NAME`), that the path is right, and that a VAULT_TOKEN is still good");
}

}  // namespace

std::string plain_path(const std::string& path) {
  std::string out;
  for (const auto& part : base::split(base::trim(path), '/')) {
    if (!part.empty()) out += (out.empty() ? "" : "/") + part;
  }
  return out;
}

std::string Mount::api_path(const std::string& secret_path) const {
  return version == 2 ? path + "data/" + secret_path.substr(path.size()) : secret_path;
}

Mount mount_of(const Api& api, const std::string& secret_path, const Answer& answer) {
  const std::string what = "looking for " + secret_path;
  if (answer.status == 403) throw forbidden(api, what, answer, secret_path);
  const json data = member(answer.body, "data");
  const Mount mount{text(data, "path"), text(member(data, "options"), "version") == "2" ? 2 : 1};
  const std::string type = text(data, "type");
  if (!answer.good() || mount.path.empty()) {
    throw api.refusal(what, answer, "check WRKTALK_AGENT_VAULT_PATH and VAULT_NAMESPACE (`vault secrets list`)");
  }
  if (type != "kv" && type != "generic") {
    throw Error(Kind::configuration,
                api.name() + ": " + mount.path + " is an engine of type " + base::one_line(type) + ", not kv",
                "name a secret of a KV engine by WRKTALK_AGENT_VAULT_PATH");
  }
  if (!base::starts_with(secret_path, mount.path) || secret_path.size() == mount.path.size()) {
    throw Error(Kind::configuration,
                api.name() + ": " + secret_path + " names no secret, only the engine " + mount.path,
                "write WRKTALK_AGENT_VAULT_PATH as MOUNT/PATH");
  }
  return mount;
}

json fields_of(const Api& api, const std::string& secret_path, const Mount& mount, const Answer& answer) {
  const std::string what = "reading " + secret_path;
  const bool needless_data = mount.version == 2 && base::starts_with(secret_path, mount.path + "data/");
  const std::string put =
      "write it by `vault kv put " + secret_path + "` with host, port, database, username and password";
  if (answer.status == 403) {
    const Forbidden error = forbidden(api, what, answer, mount.api_path(secret_path));
    throw needless_data ? Forbidden(error.kind(), error.what(), kNeedlessData) : error;
  }
  json data = member(answer.body, "data");
  if (mount.version == 2) {
    const std::string deleted = text(member(data, "metadata"), "deletion_time");
    if (!deleted.empty()) {
      throw Error(Kind::configuration,
                  api.name() + ": the newest version of " + secret_path + " was deleted at " + base::one_line(deleted),
                  put + ", or take it back by `vault kv undelete`");
    }
    data = member(data, "data");
  }
  if (answer.status == 404) {
    throw Error(Kind::configuration, api.name() + ": there is no secret at " + secret_path,
                needless_data ? kNeedlessData : put);
  }
  if (!answer.good() || !data.is_object()) throw api.refusal(what, answer, "check that VAULT_ADDR is Vault's");
  return data;
}

}  // namespace wrktalk::secrets
