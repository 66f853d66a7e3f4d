// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/policy.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/deploy/hints.hpp"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <set>

namespace wrktalk::deploy::policy {
namespace {

using base::Error;
using base::Kind;

constexpr std::array<const char*, kRules> kNames = {
    "privileged",    "host_namespaces", "capabilities", "devices",         "engine_socket",
    "host_paths",    "host_programs",   "builds",       "unpinned_images", "foreign_images",
    "cluster_roles", "webhooks",        "crds",         "cluster_objects", "other_namespaces"};

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

std::string variable(Rule rule) { return "WRKTALK_AGENT_POLICY_" + upper(to_text(rule)); }

std::string said(const Finding& finding) { return finding.text + " (" + to_text(finding.rule) + ")"; }

}  // namespace

const char* to_text(Rule rule) noexcept { return kNames[static_cast<std::size_t>(rule)]; }

Policy::Policy(Level level) {
  const Action all = level == Level::allow ? Action::allow : level == Level::warn ? Action::warn : Action::refuse;
  actions.fill(all);
  if (level != Level::warn) return;
  set(Rule::host_programs, Action::refuse);
  set(Rule::builds, Action::refuse);
  set(Rule::unpinned_images, Action::allow);
}

bool Policy::allows_all(const std::vector<Rule>& rules) const {
  return std::all_of(rules.begin(), rules.end(), [&](Rule rule) { return of(rule) == Action::allow; });
}

bool Policy::refuses_any(const std::vector<Rule>& rules) const {
  return std::any_of(rules.begin(), rules.end(), [&](Rule rule) { return of(rule) == Action::refuse; });
}

std::vector<std::string> enforce(const Policy& policy, const Findings& findings) {
  std::vector<std::string> refused;
  std::vector<std::string> warnings;
  std::set<std::string> seen;
  std::set<Rule> rules;
  for (const auto& finding : findings) {
    const Action action = policy.of(finding.rule);
    if (action == Action::allow || !seen.insert(said(finding)).second) continue;
    (action == Action::refuse ? refused : warnings).push_back(said(finding));
    if (action == Action::refuse) rules.insert(finding.rule);
  }
  if (refused.empty()) return at_most(std::move(warnings), kMostWarnings);
  refused = at_most(std::move(refused), kMostWarnings);
  std::vector<std::string> variables;
  for (const Rule rule : rules) variables.push_back(variable(rule) + "=warn");
  throw Error(Kind::artifact, "the policy refuses this release: " + base::join(refused, "; "),
              "if the release is trusted to do that, set " + base::join(variables, " and "));
}

bool is_from(const std::string& image, const std::string& place) {
  constexpr std::string_view kBorders = "/:@";
  if (place.empty() || !base::starts_with(image, place)) return false;
  return image.size() == place.size() || kBorders.find(place.back()) != std::string_view::npos ||
         kBorders.find(image[place.size()]) != std::string_view::npos;
}

std::vector<std::string> told(std::vector<std::string> warnings) {
  for (auto& warning : warnings) warning.insert(0, "policy: ");
  return warnings;
}

void judge_image(const Policy& policy, const std::string& who, const std::string& image, Findings& out) {
  const std::string shown = base::one_line(image);
  if (image.find("@sha256:") == std::string::npos) {
    out.push_back({Rule::unpinned_images, who + " takes image " + shown + ", which has no digest"});
  }
  const auto& places = policy.image_places;
  const bool known = places.empty() || std::any_of(places.begin(), places.end(),
                                                   [&](const std::string& place) { return is_from(image, place); });
  if (!known) out.push_back({Rule::foreign_images, who + " takes image " + shown + " from elsewhere"});
}

bool is_dangerous_capability(const std::string& name) {
  static const std::set<std::string> kBaseline = {"AUDIT_WRITE", "CHOWN",  "DAC_OVERRIDE",     "FOWNER",  "FSETID",
                                                  "KILL",        "MKNOD",  "NET_BIND_SERVICE", "SETFCAP", "SETGID",
                                                  "SETPCAP",     "SETUID", "SYS_CHROOT"};
  std::string plain = upper(base::trim(name));
  if (base::starts_with(plain, "CAP_")) plain.erase(0, 4);
  return kBaseline.count(plain) == 0;
}

bool is_engine_socket(const std::string& path) {
  static const std::set<std::string> kSockets = {"docker.sock", "podman.sock",     "containerd.sock",
                                                 "crio.sock",   "dockershim.sock", "cri-dockerd.sock"};
  return kSockets.count(std::filesystem::path(path).filename().string()) != 0;
}

bool holds_engine_socket(const std::string& folder) {
  static constexpr const char* kUsual[] = {"/run/docker.sock",
                                           "/var/run/docker.sock",
                                           "/run/containerd/containerd.sock",
                                           "/var/run/containerd/containerd.sock",
                                           "/run/podman/podman.sock",
                                           "/run/crio/crio.sock"};
  const std::string below = folder == "/" ? folder : folder + "/";
  constexpr std::string_view kScheme = "unix://";
  const char* host = std::getenv("DOCKER_HOST");
  const std::string_view ours = host == nullptr ? "" : host;
  return (base::starts_with(ours, kScheme) && base::starts_with(ours.substr(kScheme.size()), below)) ||
         std::any_of(std::begin(kUsual), std::end(kUsual),
                     [&](const char* path) { return base::starts_with(path, below); });
}

}  // namespace wrktalk::deploy::policy
