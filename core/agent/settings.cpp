// SPDX-License-Identifier: Apache-2.0
#include "core/agent/settings.hpp"

#include "core/base/files.hpp"
#include "core/observe/state_file.hpp"

#include <algorithm>

namespace wrktalk::agent {
namespace {

/// For one statement: longer than the lock time-out, and so short that an idle agent whose connection has fallen silent runs a due task within a
/// minute (a poll interval, this, and a new connection).
constexpr std::chrono::seconds kLongestAnswer{15};

std::string default_target(const config::Settings& config) {
  switch (config.deployment_type) {
    case base::TargetKind::kubernetes: return "kubernetes:" + config.kube_namespace + "/" + config.helm_release_name;
    case base::TargetKind::docker: return "docker:" + config.compose_project_name;
    case base::TargetKind::host: return "host:" + config.agent_id;
  }
  return {};
}

maintenance::Settings maintenance_settings(const config::Settings& config) {
  maintenance::Settings out;
  switch (config.maintenance_handler) {
    case config::MaintenanceHandler::none: out.handler = maintenance::Handler::none; break;
    case config::MaintenanceHandler::nginx: out.handler = maintenance::Handler::nginx; break;
    case config::MaintenanceHandler::haproxy: out.handler = maintenance::Handler::haproxy; break;
    case config::MaintenanceHandler::command: out.handler = maintenance::Handler::command; break;
  }
  out.agent_id = config.agent_id;
  out.flag_file = config.maintenance_flag;
  out.reload = config.maintenance_reload;
  out.probe = config.maintenance_probe;
  out.haproxy_socket = config.haproxy_socket;
  out.haproxy_map = config.haproxy_map;
  out.haproxy_key = config.haproxy_key;
  out.haproxy_servers = config.haproxy_servers;
  out.on_program = config.maintenance_on;
  out.off_program = config.maintenance_off;
  maintenance::check(out);
  return out;
}

notify::Settings notify_settings(const config::Settings& config) {
  notify::Settings out;
  out.smtp_ca_file = config.smtp_ca_file;
  switch (config.smtp_tls) {
    case config::SmtpTls::automatic: out.smtp_tls = notify::TlsMode::automatic; break;
    case config::SmtpTls::starttls: out.smtp_tls = notify::TlsMode::starttls; break;
    case config::SmtpTls::from_the_start: out.smtp_tls = notify::TlsMode::from_the_start; break;
    case config::SmtpTls::none: out.smtp_tls = notify::TlsMode::none; break;
  }
  out.smtp_helo = config.smtp_helo;
  out.smtp_source = config.smtp_source;
  out.webhook_url = base::Secret(config.webhook_url);
  out.webhook_secret = base::Secret(config.webhook_secret);
  out.webhook_ca_file = config.webhook_ca_file;
  out.plain_hosts = config.allow_http;
  return out;
}

std::string secrets_dir(const config::Settings& config) {
  return config.secrets_dir.empty() ? base::private_parent() : config.secrets_dir;
}

deploy::Target checked_target(const std::string& name) {
  try {
    return deploy::parse_target(name);
  } catch (const base::Error& e) {
    throw base::Error(base::Kind::configuration, e.what(), e.hint());
  }
}

}  // namespace

Settings settings_from(const config::Settings& config, db::ConnectionSettings database,
                       db::ConnectionSettings checkpoint_database) {
  Settings out;
  out.database = std::move(database);
  out.database.answer_within = kLongestAnswer;
  out.checkpoint_database = std::move(checkpoint_database);
  out.agent_id = config.agent_id;
  out.targets.push_back(checked_target(default_target(config)));
  for (const auto& name : config.targets) {
    auto target = checked_target(name);
    const bool known = std::any_of(out.targets.begin(), out.targets.end(),
                                   [&](const auto& other) { return other.name == target.name; });
    if (!known) out.targets.push_back(std::move(target));
  }
  out.deploy.helm_bin = config.helm_bin;
  out.deploy.kubectl_bin = config.kubectl_bin;
  out.deploy.helm_timeout = config.helm_timeout;
  out.deploy.helm_takes_fields = config.helm_fields == config::HelmFields::take;
  out.deploy.helm_updates_crds = config.helm_crds == config::HelmCrds::apply;
  out.deploy.compose_bin = config.compose_bin;
  out.deploy.compose_timeout = config.compose_timeout;
  out.deploy.compose_settle = config.compose_settle;
  out.deploy.compose_project = config.compose_project_name;
  out.deploy.compose_working_dir = config.compose_working_dir;
  out.deploy.host_root = config.host_root;
  out.deploy.host_activate = config.host_activate;
  out.deploy.host_health = config.host_health;
  out.deploy.host_timeout = config.host_timeout;
  out.deploy.policy = policy_from(config);
  out.limits = limits_from(config);
  out.maintenance = maintenance_settings(config);
  out.notify = notify_settings(config);
  out.poll_interval = config.poll_interval;
  out.heartbeat_interval = config.heartbeat_interval;
  out.grace = config.grace;
  out.secrets_dir = secrets_dir(config);
  out.state_file = state_file(config);
  return out;
}

deploy::policy::Policy policy_from(const config::Settings& config) {
  namespace policy = deploy::policy;
  policy::Policy out(config.policy_level == config::PolicyLevel::allow    ? policy::Level::allow
                     : config.policy_level == config::PolicyLevel::strict ? policy::Level::strict
                                                                          : policy::Level::warn);
  for (const auto& [name, action] : config.policy_rules) {
    const auto rule = policy::parse_rule(name);
    if (!rule) throw base::Error(base::Kind::configuration, "policy." + name + " is no rule");
    out.set(*rule, action == config::PolicyAction::allow    ? policy::Action::allow
                   : action == config::PolicyAction::refuse ? policy::Action::refuse
                                                            : policy::Action::warn);
  }
  out.data_dirs = config.policy_data_dirs;
  out.image_places = config.policy_images;
  return out;
}

artifact::Limits limits_from(const config::Settings& config) {
  artifact::Limits out;
  out.unpacked_bytes = config.limit_unpacked_bytes;
  out.entries = config.limit_entries;
  out.ratio = config.limit_ratio;
  out.chart_unpacked_bytes = config.limit_chart_unpacked_bytes;
  out.chart_entries = config.limit_chart_entries;
  return out;
}

std::string state_file(const config::Settings& config) {
  return observe::state_path(secrets_dir(config), config.agent_id);
}

}  // namespace wrktalk::agent
