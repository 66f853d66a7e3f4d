// SPDX-License-Identifier: Apache-2.0
#include "core/config/settings.hpp"

#include "core/base/error.hpp"
#include "core/base/files.hpp"
#include "core/base/text.hpp"
#include "core/config/database.hpp"

#include <algorithm>
#include <array>

namespace wrktalk::config {
namespace {

using base::Error;
using base::Kind;
using std::chrono::milliseconds;

/// Reads values by key and says, when one is wrong, where it came from.
class Reader {
 public:
  explicit Reader(const Values& values) : values_(values) {}

  std::string text(const char* key) const { return values_.at(key).text; }

  std::string path(const char* key) const {
    if (text(key).empty()) refuse(key, "must not be empty", "give the path of a file or folder");
    return base::absolute(text(key));
  }

  std::string optional_path(const char* key) const { return base::absolute(text(key)); }

  /// A name is looked up in PATH when it is run; a path is made absolute.
  std::string program(const char* key) const {
    return text(key).find('/') == std::string::npos ? text(key) : base::absolute(text(key));
  }

  milliseconds duration(const char* key, milliseconds shortest) const {
    milliseconds value{};
    try {
      value = base::parse_duration(text(key));
    } catch (const Error& e) {
      refuse(key, e.what(), e.hint());
    }
    if (value < shortest) {
      refuse(key, "'" + text(key) + "' is too short", "give at least " + base::human_duration(shortest));
    }
    return value;
  }

  template <class T, std::size_t N>
  T choice(const char* key, const std::array<std::pair<const char*, T>, N>& choices) const {
    std::vector<std::string> names;
    for (const auto& [name, value] : choices) {
      if (text(key) == name) return value;
      names.emplace_back(name);
    }
    refuse(key, "'" + base::one_line(text(key)) + "' is none of its values", "use one of " + base::join(names, ", "));
  }

  std::string log_level() const {
    const std::string given = text("log.level");
    std::string upper;
    for (const char c : given) upper += static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
    for (const char* level : {"DEBUG", "INFO", "WARN", "WARNING", "ERROR", "CRITICAL"}) {
      if (upper == level) return upper;
    }
    refuse("log.level", "'" + base::one_line(given) + "' is no log level", "use one of DEBUG, INFO, WARNING, ERROR");
  }

  /// As Vault's own variables take it.
  bool yes(const char* key) const {
    static constexpr std::array<std::pair<const char*, bool>, 6> kWords = {
        {{"true", true}, {"false", false}, {"1", true}, {"0", false}, {"TRUE", true}, {"FALSE", false}}};
    return text(key).empty() ? false : choice(key, kWords);
  }

  /// 20000, 200MB, 20GB: decimal, as sizes are shown.
  std::uint64_t number(const char* key, bool is_size) const {
    static constexpr std::array<std::pair<std::string_view, std::uint64_t>, 6> kUnits = {
        {{"", 1}, {"B", 1}, {"kB", 1'000}, {"MB", 1'000'000}, {"GB", 1'000'000'000}, {"TB", 1'000'000'000'000}}};
    const std::string given = base::trim(text(key));
    const std::size_t digits = given.find_first_not_of("0123456789");
    const std::string unit = digits == std::string::npos ? "" : base::trim(given.substr(digits));
    const std::string count = given.substr(0, digits);
    for (const auto& [name, factor] : kUnits) {
      if (unit != name || count.empty() || count.size() > 12 || (!is_size && !unit.empty())) continue;
      const std::uint64_t value = std::stoull(count);
      if (value > 0 && value <= 1'000'000'000'000'000 / factor) return value * factor;
    }
    refuse(key, "'" + base::one_line(given) + (is_size ? "' is no size" : "' is no number"),
           is_size ? "give a size above 0, as 200MB or 20GB" : "give a whole number above 0");
  }

  std::vector<std::string> list(const char* key) const {
    std::vector<std::string> items;
    for (const auto& part : base::split(text(key), ',')) {
      if (auto item = base::trim(part); !item.empty()) items.push_back(std::move(item));
    }
    return items;
  }

  std::vector<std::string> hosts(const char* key) const {
    auto items = list(key);
    for (auto& item : items) {
      for (char& c : item) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
    }
    return items;
  }

 private:
  [[noreturn]] void refuse(const char* key, const std::string& what, const std::string& hint) const {
    const Value& value = values_.at(key);
    const bool by_name = value.source == Source::environment || value.source == Source::flag;
    throw Error(Kind::configuration,
                (by_name ? value.origin : std::string(key) + " (" + value.origin + ")") + ": " + what, hint);
  }

  const Values& values_;
};

constexpr auto kinds_by_name() {
  std::array<std::pair<const char*, base::TargetKind>, base::kTargetKinds.size()> kinds{};
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    kinds[i].first = base::kTargetKinds[i].name;
    kinds[i].second = base::kTargetKinds[i].kind;
  }
  return kinds;
}

constexpr std::array<std::pair<const char*, MaintenanceHandler>, 4> kHandlers = {
    {{"nginx", MaintenanceHandler::nginx},
     {"haproxy", MaintenanceHandler::haproxy},
     {"command", MaintenanceHandler::command},
     {"none", MaintenanceHandler::none}}};
constexpr std::array<std::pair<const char*, VaultAuth>, 4> kVaultAuths = {{{"kubernetes", VaultAuth::kubernetes},
                                                                           {"jwt", VaultAuth::jwt},
                                                                           {"approle", VaultAuth::approle},
                                                                           {"token", VaultAuth::token}}};
constexpr std::array<std::pair<const char*, SmtpTls>, 4> kSmtpTls = {{{"auto", SmtpTls::automatic},
                                                                      {"starttls", SmtpTls::starttls},
                                                                      {"smtps", SmtpTls::from_the_start},
                                                                      {"none", SmtpTls::none}}};
constexpr std::array<std::pair<const char*, HelmFields>, 2> kHelmFields = {
    {{"take", HelmFields::take}, {"leave", HelmFields::leave}}};
constexpr std::array<std::pair<const char*, HelmCrds>, 2> kHelmCrds = {
    {{"leave", HelmCrds::leave}, {"apply", HelmCrds::apply}}};
constexpr std::array<std::pair<const char*, PolicyLevel>, 3> kLevels = {
    {{"allow", PolicyLevel::allow}, {"warn", PolicyLevel::warn}, {"strict", PolicyLevel::strict}}};
constexpr std::array<std::pair<const char*, PolicyAction>, 3> kActions = {
    {{"allow", PolicyAction::allow}, {"warn", PolicyAction::warn}, {"refuse", PolicyAction::refuse}}};
constexpr std::array<std::pair<const char*, const char*>, 2> kFormats = {{{"text", "text"}, {"json", "json"}}};

Vault vault_of(const Reader& read) {
  Vault vault;
  vault.use = read.yes("vault.use");
  vault.address = read.text("vault.address");
  vault.ca_file = read.optional_path("vault.ca_file");
  vault.skip_verify = read.yes("vault.skip_verify");
  vault.insecure = read.yes("vault.insecure");
  vault.allow_http = read.hosts("http.allow");
  vault.namespace_ = read.text("vault.namespace");
  vault.token = read.text("vault.token");
  if (!read.text("vault.auth").empty()) {
    vault.auth = read.choice("vault.auth", kVaultAuths);
  } else if (!vault.token.empty()) {
    vault.auth = VaultAuth::token;
  }
  vault.auth_mount = read.text("vault.auth_mount");
  vault.role = read.text("vault.role");
  vault.jwt_file = read.path("vault.jwt_file");
  vault.role_id = read.text("vault.role_id");
  vault.secret_id = read.text("vault.secret_id");
  vault.path = read.text("vault.path");
  vault.timeout = read.duration("vault.timeout", milliseconds(0));
  return vault;
}

/// Every key of the section that is none of the named ones is a rule.
void take_policy(const Reader& read, Settings& s) {
  constexpr std::string_view kSection = "policy.";
  s.policy_level = read.choice("policy.level", kLevels);
  for (const auto& item : definitions()) {
    const std::string_view key = item.key;
    if (!base::starts_with(key, kSection) || key == "policy.level" || key == "policy.data_dirs" ||
        key == "policy.images" || read.text(item.key).empty()) {
      continue;
    }
    s.policy_rules[std::string(key.substr(kSection.size()))] = read.choice(item.key, kActions);
  }
  for (const auto& dir : read.list("policy.data_dirs")) s.policy_data_dirs.push_back(base::absolute(dir));
  s.policy_images = read.list("policy.images");
}

}  // namespace

Settings parse(const Values& values, const DsnParser& parse_dsn) {
  constexpr milliseconds kTick{100};
  constexpr milliseconds kNone{0};
  const Reader read(values);
  Settings s;
  s.agent_db = agent_database(values, parse_dsn);
  s.checkpoint_db = checkpoint_database(values, s.agent_db, parse_dsn);
  s.vault = vault_of(read);

  s.deployment_type = read.choice("agent.deployment_type", kinds_by_name());
  s.kube_namespace = read.text("kubernetes.namespace");
  s.helm_release_name = read.text("kubernetes.helm_release_name");
  s.helm_timeout = read.duration("kubernetes.helm_timeout", kTick);
  s.helm_bin = read.program("kubernetes.helm_bin");
  s.kubectl_bin = read.program("kubernetes.kubectl_bin");
  s.helm_fields = read.choice("kubernetes.helm_fields", kHelmFields);
  s.helm_crds = read.choice("kubernetes.helm_crds", kHelmCrds);
  s.compose_project_name = read.text("docker.compose_project_name");
  s.compose_working_dir = read.path("docker.compose_working_dir");
  s.compose_bin = read.program("docker.compose_bin");
  s.compose_timeout = read.duration("docker.compose_timeout", kTick);
  s.compose_settle = read.duration("docker.compose_settle", kNone);
  s.host_root = read.path("host.root");
  s.host_activate = read.program("host.activate");
  s.host_health = read.program("host.health");
  s.host_timeout = read.duration("host.timeout", kTick);

  take_policy(read, s);
  s.limit_unpacked_bytes = read.number("limits.unpacked_size", true);
  s.limit_entries = read.number("limits.entries", false);
  s.limit_ratio = read.number("limits.ratio", false);
  s.limit_chart_unpacked_bytes = read.number("limits.chart_unpacked_size", true);
  s.limit_chart_entries = read.number("limits.chart_entries", false);

  s.agent_id = read.text("agent.id");
  s.targets = read.list("agent.targets");
  s.poll_interval = read.duration("agent.poll_interval", kTick);
  s.heartbeat_interval = read.duration("agent.heartbeat_interval", kTick);
  s.grace = read.duration("agent.grace", kNone);
  s.secrets_dir = read.optional_path("agent.secrets_dir");
  s.ddl_lock_timeout = read.duration("migrate.ddl_lock_timeout", kNone);
  s.maintenance_handler = read.choice("maintenance.handler", kHandlers);
  s.maintenance_flag = read.path("maintenance.flag");
  s.maintenance_reload = read.program("maintenance.reload");
  s.maintenance_on = read.program("maintenance.on");
  s.maintenance_off = read.program("maintenance.off");
  s.maintenance_probe = read.text("maintenance.probe");
  s.haproxy_socket = read.text("haproxy.socket");
  s.haproxy_map = read.text("haproxy.map");
  s.haproxy_key = read.text("haproxy.key");
  s.haproxy_servers = read.list("haproxy.servers");
  s.smtp_ca_file = read.optional_path("notify.smtp_ca_file");
  s.smtp_tls = read.choice("notify.smtp_tls", kSmtpTls);
  s.smtp_helo = read.text("notify.smtp_helo");
  s.smtp_source = read.text("notify.smtp_source");
  s.webhook_url = read.text("notify.webhook_url");
  s.webhook_secret = read.text("notify.webhook_secret");
  s.webhook_ca_file = read.optional_path("notify.webhook_ca_file");
  s.allow_http = read.hosts("http.allow");
  s.log_level = read.log_level();
  s.log_format = read.choice("log.format", kFormats);
  return s;
}

}  // namespace wrktalk::config
