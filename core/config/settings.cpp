// SPDX-License-Identifier: Apache-2.0
#include "core/config/settings.hpp"

#include "core/config/database.hpp"

namespace wrktalk::config {
namespace {

using settings::Definition;

template <class S>
void collect(const settings::Fields<S>& fields, std::vector<Definition>& out) {
  for (const auto& field : fields) {
    if (field.definition.is_declared()) out.push_back(field.definition);
  }
}

/// Of no module alone: Vault's client and the webhook's ask for it.
constexpr Definition kAllowHttp = {"http.allow",
                                   "WRKTALK_AGENT_ALLOW_HTTP",
                                   "",
                                   "--allow-http",
                                   "",
                                   settings::Form::value,
                                   "Hosts (HOST or HOST:PORT, with commas) that Vault's and the webhook's address may "
                                   "reach by http://; this machine always may be"};

}  // namespace

const std::vector<Definition>& definitions() {
  static const std::vector<Definition> all = [] {
    std::vector<Definition> out = database_definitions();
    collect(secrets::setting_fields(), out);
    collect(agent::setting_fields(), out);
    collect(deploy::setting_fields(), out);
    collect(deploy::policy::setting_fields(), out);
    collect(artifact::setting_fields(), out);
    collect(maintenance::setting_fields(), out);
    collect(notify::setting_fields(), out);
    out.push_back(kAllowHttp);
    collect(migrate::setting_fields(), out);
    collect(log::setting_fields(), out);
    return out;
  }();
  return all;
}

Settings parse(const settings::Values& values) {
  const settings::Reader reader(values);
  Settings s;
  s.agent_db.parameters = agent_parameters(values);
  s.checkpoint_db.parameters = checkpoint_parameters(values, s.agent_db.parameters);
  read(secrets::setting_fields(), reader, s.agent.vault);
  read(agent::setting_fields(), reader, s.agent);
  read(deploy::setting_fields(), reader, s.agent.deploy);
  read(deploy::policy::setting_fields(), reader, s.agent.deploy.policy);
  read(artifact::setting_fields(), reader, s.agent.limits);
  read(maintenance::setting_fields(), reader, s.agent.maintenance);
  read(notify::setting_fields(), reader, s.agent.notify);
  read(migrate::setting_fields(), reader, s.migrate);
  read(log::setting_fields(), reader, s.log);
  return s;
}

}  // namespace wrktalk::config
