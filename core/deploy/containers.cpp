// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/containers.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdint>

namespace wrktalk::deploy::compose {
namespace {

using nlohmann::json;

// The engine waits 0.1 s, 0.2 s, 0.4 s, ... before each restart: this is some 25 s of trying, enough for an application
// that ends until its database answers.
constexpr long kToleratedRestarts = 8;

}  // namespace

const char* const kInspectFormat =
    R"({"id":{{json .Id}},"name":{{json .Name}},"restarts":{{json .RestartCount}},"state":{{json .State}},)"
    R"("image":{{json .Image}},"created":{{json .Created}},"mounts":{{json .Mounts}},"labels":{{json .Config.Labels}},)"
    R"("policy":{{json .HostConfig.RestartPolicy.Name}},"check":{{json (index .Config "Healthcheck")}}})";

Containers parse_containers(const std::string& lines) {
  Containers containers;
  try {
    for (const auto& line : base::split(lines, '\n')) {
      if (base::trim(line).empty()) continue;
      const json all = json::parse(line);
      const json& state = all.at("state");
      Container container;
      container.id = all.at("id").get<std::string>();
      container.name = all.at("name").get<std::string>();
      if (base::starts_with(container.name, "/")) container.name.erase(0, 1);
      container.restarts = all.at("restarts").get<long>();
      container.status = state.at("Status").get<std::string>();
      container.exit_code = state.value("ExitCode", 0);
      container.started_at = state.value("StartedAt", "");
      container.error = state.value("Error", "");
      if (state.contains("Health") && state["Health"].is_object())
        container.health = state["Health"].value("Status", "");
      if (container.health == "none") container.health.clear();
      for (const auto& mount : all.at("mounts")) container.mounts.push_back(mount.value("Source", ""));
      container.image = all.value("image", "");
      container.created_at = all.value("created", "");
      container.restart_policy = all.value("policy", "");
      if (all.contains("check") && all["check"].is_object()) {
        container.start_period = std::chrono::duration_cast<std::chrono::milliseconds>(
            std::chrono::nanoseconds(all["check"].value("StartPeriod", std::int64_t{0})));
      }
      const json labels = all.at("labels").is_object() ? all["labels"] : json::object();
      container.service = labels.value("com.docker.compose.service", "");
      container.config_files = labels.value("com.docker.compose.project.config_files", "");
      container.working_dir = labels.value("com.docker.compose.project.working_dir", "");
      container.environment_files = labels.value("com.docker.compose.project.environment_file", "");
      if (labels.contains(kReleaseLabel)) {
        container.identity = Identity{labels.value(kReleaseLabel, ""), labels.value(kTaskLabel, "")};
      }
      containers.push_back(std::move(container));
    }
  } catch (const json::exception& e) {
    throw base::Error(base::Kind::child, std::string("docker inspect printed what cannot be read: ") + e.what());
  }
  std::sort(containers.begin(), containers.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return containers;
}

Condition condition_of(const Container& container) {
  if (container.restarts > kToleratedRestarts) return Condition::broken;
  if (container.status == "running") {
    if (container.health == "unhealthy") return Condition::broken;
    return container.health == "starting" ? Condition::settling : Condition::good;
  }
  if (container.status == "restarting") return Condition::settling;
  if (container.status != "exited" || container.exit_code != 0) return Condition::broken;
  const bool is_kept_up = container.restart_policy == "always" || container.restart_policy == "unless-stopped";
  return is_kept_up ? Condition::settling : Condition::good;
}

std::string describe(const Container& container) {
  std::string text = container.name + " ";
  if (container.status == "exited") {
    text += "exited with status " + std::to_string(container.exit_code);
  } else {
    text += "is " + container.status;
    if (!container.health.empty()) text += " and " + container.health;
  }
  if (container.restarts > 0) text += " after " + std::to_string(container.restarts) + " restarts";
  if (!container.error.empty()) text += " (" + base::one_line(container.error) + ")";
  return text;
}

std::string describe(const Containers& containers) {
  std::vector<std::string> texts;
  for (const auto& container : containers) texts.push_back(describe(container));
  return texts.empty() ? "no container" : base::join(texts, ", ");
}

std::string fingerprint(const Containers& containers) {
  std::string text;
  for (const auto& c : containers) text += c.id + " " + c.status + " " + c.started_at + "\n";
  return text;
}

Condition Settling::look(const Containers& containers, base::BootClock::time_point now) {
  if (containers.empty()) return Condition::broken;
  bool all_good = true;
  bool proven = true;
  for (const auto& container : containers) {
    const Condition condition = condition_of(container);
    if (condition == Condition::broken) return condition;
    all_good = all_good && condition == Condition::good;
    const bool ends_once = container.restart_policy.empty() || container.restart_policy == "no";
    proven = proven && (container.status == "exited" || (container.health == "healthy" && ends_once));
  }
  const std::string print = fingerprint(containers);
  if (print != seen_) {
    seen_ = print;
    since_ = now;
  }
  return all_good && (proven || now - since_ >= rest_) ? Condition::good : Condition::settling;
}

std::optional<Identity> identity_of(const Containers& containers) {
  if (containers.empty()) return std::nullopt;
  const auto& first = containers.front().identity;
  const bool same =
      std::all_of(containers.begin(), containers.end(), [&](const auto& one) { return one.identity == first; });
  return same ? first : std::nullopt;
}

std::optional<std::string> tree_of(const Container& container, const std::string& releases) {
  if (!base::starts_with(container.config_files, releases + "/")) return std::nullopt;
  const std::string below = container.config_files.substr(releases.size() + 1);
  return below.substr(0, below.find('/'));
}

std::optional<std::string> tree_of(const Containers& containers, const std::string& releases) {
  std::optional<std::string> tree;
  for (const auto& container : containers) {
    const auto here = tree_of(container, releases);
    if (!here || (tree && tree != here)) return std::nullopt;
    tree = here;
  }
  return tree;
}

}  // namespace wrktalk::deploy::compose
