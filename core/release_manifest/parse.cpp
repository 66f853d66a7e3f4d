// SPDX-License-Identifier: Apache-2.0
#include "core/artifact/requirement.hpp"
#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/release_manifest/checks.hpp"
#include "core/release_manifest/manifest.hpp"
#include "core/release_manifest/reader.hpp"

#include <algorithm>
#include <regex>

namespace wrktalk::release_manifest {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kMostHooks = 50;
constexpr std::size_t kMostPaths = 100;
constexpr std::size_t kMostSettings = 500;
constexpr std::size_t kMostRequirements = 20;
constexpr std::size_t kMostArguments = 100;
constexpr std::size_t kMostDatabases = 10;

const std::vector<std::string> kSections = {"backup", "data", "health", "hook", "migrations", "release", "settings"};
const std::vector<std::string> kHookTimes = {"before-maintenance", "before-apply", "after-apply", "after-health",
                                             "after-failure"};

void read_release(const Section& section, const Reading& reading, Manifest& out) {
  if (auto text = section.text("min-agent")) {
    if (!is_ordered(*text)) section.refuse_key("min-agent", "\"" + *text + "\" is no version of wrktalk");
    out.min_agent = text;
  }
  if (const auto text = section.text("upgrade-from")) {
    try {
      out.upgrade_from = VersionRange::parse(*text);
    } catch (const base::Error& e) {
      section.refuse_key("upgrade-from", std::string("cannot be read: ") + e.what(), e.hint());
    }
    if (reading.version && !is_ordered(*reading.version)) {
      section.refuse_key("upgrade-from", "needs a release whose version begins with a number, and this one is " +
                                             base::one_line(*reading.version));
    }
    if (reading.version && !out.upgrade_from->has_older_than(*reading.version)) {
      section.refuse_key("upgrade-from",
                         "\"" + *text + "\" fits no version that is older than the release's own, " + *reading.version,
                         "name the oldest version that can be upgraded to this one");
    }
  }
  for (const auto& text : section.texts("requires-schema", kMostRequirements)) {
    try {
      for (const auto& one : artifact::parse_requirements(text)) out.requires_schema.push_back(to_text(one));
    } catch (const base::Error& e) {
      section.refuse_key("requires-schema", std::string("cannot be read: ") + e.what(), e.hint());
    }
  }
}

void read_data(const Section& section, Manifest& out) {
  for (const auto& text : section.texts("keep", kMostPaths)) {
    auto path = tree_path(section, "keep", text);
    if (path.empty()) section.refuse_key("keep", "names the whole tree");
    if (path == kFileName) section.refuse_key("keep", std::string("names ") + kFileName + ", which is the release's");
    for (const auto& other : out.keep) {
      if (path == other || base::starts_with(path, other + "/") || base::starts_with(other, path + "/"))
        section.refuse_key("keep", "has one path inside of another: " + other + ", " + path);
    }
    out.keep.push_back(std::move(path));
  }
}

void read_settings(const Section& section, Manifest& out) {
  static const std::regex kName("[A-Za-z_][A-Za-z0-9_.-]{0,254}");
  out.required = section.texts("required", kMostSettings);
  for (const auto& name : out.required) {
    if (!std::regex_match(name, kName)) section.refuse_key("required", "has \"" + name + "\" in it, which is no name");
  }
}

Hook read_hook(const Section& section, const Reading& reading) {
  Hook hook;
  const auto when = section.choice("when", kHookTimes);
  if (!when) section.refuse_here("has no when", "one of " + base::join(kHookTimes, ", "));
  hook.when = *when;
  hook.service = section.text("service").value_or("");
  hook.run = section.words("run", kMostArguments);
  if (hook.service.empty() == hook.run.empty())
    section.refuse_here("needs one of service (compose) and run (host)",
                        R"(write service = "migrate" or run = ["bin/migrate"])");
  if (reading.chart_type == "helm")
    section.refuse_here("is not for charts: a chart has hooks of its own", "write it as a Helm hook");
  if (reading.chart_type == "compose" && hook.service.empty())
    section.refuse_key("run", "is for host releases: name a service");
  if (reading.chart_type == "host" && hook.run.empty())
    section.refuse_key("service", "is for compose bundles: say what to run");
  if (!hook.service.empty() && !std::regex_match(hook.service, std::regex("[A-Za-z0-9][A-Za-z0-9._-]*")))
    section.refuse_key("service", "\"" + hook.service + "\" is no name of a service");
  if (!hook.run.empty()) hook.run.front() = tree_path(section, "run", hook.run.front());
  if (const auto timeout = section.duration("timeout", seconds(1))) hook.timeout = *timeout;
  hook.idempotent = section.truth("idempotent").value_or(false);
  return hook;
}

Migrations read_migrations(const Section& section) {
  Migrations out;
  const auto dir = section.text("dir");
  if (!dir) section.refuse_here("has no dir");
  out.dir = tree_path(section, "dir", *dir);
  if (out.dir.empty()) section.refuse_key("dir", "names the whole tree");
  const auto database = section.text("database");
  if (!database) section.refuse_here("has no database");
  check_database(section, "database", *database);
  out.database = *database;
  out.on_rollback = section.choice("on-rollback", {"keep", "down", "restore"}).value_or("keep");
  return out;
}

Health read_health(const Section& section) {
  Health out;
  out.http = section.text("http").value_or("");
  out.tcp = section.text("tcp").value_or("");
  if (out.http.empty() && out.tcp.empty()) section.refuse_here("needs http or tcp");
  if (!out.http.empty()) check_url(section, "http", out.http);
  if (!out.tcp.empty()) check_address(section, "tcp", out.tcp);
  const auto expect = section.integer("expect");
  if (expect && out.http.empty()) section.refuse_key("expect", "is a status of http, and there is no http");
  if (expect && (*expect < 100 || *expect > 599)) section.refuse_key("expect", "must be a status between 100 and 599");
  if (expect) out.expect = static_cast<int>(*expect);
  out.steady = section.duration("steady", milliseconds(0)).value_or(out.steady);
  out.within = section.duration("within", seconds(1)).value_or(out.within);
  if (out.steady >= out.within) section.refuse_key("steady", "must be shorter than within");
  return out;
}

/// Sections of which nothing is done yet: a release that has one is refused, never taken without it.
const std::vector<std::string> kNotSupported = {"health", "hook"};

/// What has no meaning for a type of release.
void check_type(const Place& place, const std::string& section, std::size_t line, const Reading& reading) {
  if (reading.chart_type == "helm" && section == "data") {
    refuse(place, line, "is for compose bundles and host trees: a chart's data lies in volumes",
           "leave it out, and use a PersistentVolumeClaim");
  }
}

}  // namespace

Manifest read(const toml::Value& root, const std::string& path, const Reading& reading) {
  const Section all({path, ""}, root, kSections);
  Manifest out;
  for (const auto& [name, value] : root.entries) {
    const Place place{path, name == "hook" ? "[[hook]]" : "[" + name + "]"};
    const auto section = [&](const std::vector<std::string>& known) { return Section(place, value, known); };
    if (name == "release") read_release(section({"min-agent", "requires-schema", "upgrade-from"}), reading, out);
    if (name == "data") read_data(section({"keep"}), out);
    if (name == "settings") read_settings(section({"required"}), out);
    if (name == "migrations") out.migrations = read_migrations(section({"database", "dir", "on-rollback"}));
    if (name == "health") out.health = read_health(section({"expect", "http", "steady", "tcp", "within"}));
    if (name == "backup") {
      const auto backup = section({"before"});
      out.backup_before = backup.texts("before", kMostDatabases);
      for (const auto& one : out.backup_before) check_database(backup, "before", one);
    }
    if (name == "hook") {
      if (value.kind != toml::Value::Kind::list)
        refuse(place, value.line, "is written once for each hook, in double brackets");
      if (value.items.size() > kMostHooks) {
        refuse(place, value.line,
               "is there " + std::to_string(value.items.size()) + " times, and may be there " +
                   std::to_string(kMostHooks) + " times");
      }
      for (std::size_t i = 0; i < value.items.size(); ++i) {
        const Section hook({path, "[[hook]] " + std::to_string(i + 1)}, value.items[i],
                           {"idempotent", "run", "service", "timeout", "when"});
        out.hooks.push_back(read_hook(hook, reading));
      }
    }
    check_type(place, name, value.line, reading);
  }
  if (!reading.only_supported) return out;
  for (const auto& [name, value] : root.entries) {
    if (name == "migrations" && out.migrations && out.migrations->on_rollback == "restore") {
      const Section section({path, "[migrations]"}, value, {"database", "dir", "on-rollback"});
      section.refuse_key(
          "on-rollback",
          std::string("\"restore\" is not supported by this version of wrktalk (") + WRKTALK_VERSION + ")",
          "write \"keep\" or \"down\"");
    }
    if (std::find(kNotSupported.begin(), kNotSupported.end(), name) == kNotSupported.end()) continue;
    const auto& first = value.kind == toml::Value::Kind::list && !value.items.empty() ? value.items.front() : value;
    refuse({path, name == "hook" ? "[[hook]]" : "[" + name + "]"}, first.line,
           std::string("is not supported by this version of wrktalk (") + WRKTALK_VERSION + ")",
           "leave it out, or use a newer wrktalk, here and on the site");
  }
  return out;
}

Manifest parse(std::string_view text, const std::string& path, const Reading& reading) {
  if (text.size() > kLargestFile) {
    throw base::Error(base::Kind::artifact, path + ": it is larger than " + base::human_size(kLargestFile));
  }
  const auto root =
      toml::parse(text, path, base::Kind::artifact, "see `wrktalk release init` for all sections and keys");
  return read(root, path, reading);
}

}  // namespace wrktalk::release_manifest
