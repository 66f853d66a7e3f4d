// SPDX-License-Identifier: Apache-2.0
#include "core/config/settings.hpp"

#include "core/base/error.hpp"
#include "core/config/database.hpp"
#include "core/config/named_databases.hpp"

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

std::map<std::string, db::ConnectionSettings> app_databases(const settings::Values& values) {
  std::map<std::string, db::ConnectionSettings> all;
  for (const auto& one : named_databases(values)) {
    const auto& value = values.at(one.key);
    try {
      db::ConnectionSettings database;
      database.parameters = db::parse_conninfo(value.text);
      all[one.name] = db::with_defaults(database, "wrktalk/" + one.name);
    } catch (base::Error& e) {
      // A file that a command which needs no secrets has not opened is empty, and is none of these.
      e.add_context(value.origin);
      throw;
    }
  }
  return all;
}

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
  s.agent.app_databases = app_databases(values);
  return s;
}

}  // namespace wrktalk::config
