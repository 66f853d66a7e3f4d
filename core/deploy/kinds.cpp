// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/kinds.hpp"

#include "core/base/text.hpp"

#include <algorithm>
#include <string_view>

namespace wrktalk::deploy {
namespace {

using base::Error;
using base::Kind;

constexpr std::string_view kLower = "abcdefghijklmnopqrstuvwxyz0123456789";
constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Starts with one of `letters`, goes on with those or `also`.
bool is_name(std::string_view text, std::string_view letters, std::string_view also, std::size_t longest) {
  return !text.empty() && text.size() <= longest && letters.find(text.front()) != std::string_view::npos &&
         std::all_of(text.begin(), text.end(), [&](char c) {
           return letters.find(c) != std::string_view::npos || also.find(c) != std::string_view::npos;
         });
}

bool is_dns_label(const std::string& text, std::size_t longest) {
  return is_name(text, kLower, "-", longest) && text.back() != '-';
}

bool is_helm_release(const std::string& text) {
  const auto parts = base::split(text, '.');
  return text.size() <= 53 &&
         std::all_of(parts.begin(), parts.end(), [](const auto& part) { return is_dns_label(part, 53); });
}

void need(bool good, const Target& target, const std::string& part, const std::string& rule) {
  if (!good) throw Error(Kind::usage, "bad target '" + base::one_line(target.name) + "': " + part + " " + rule);
}

/// The part before the first slash, and the part behind it.
std::pair<std::string, std::string> parts_of(const std::string& rest) {
  const std::size_t slash = rest.find('/');
  return {rest.substr(0, slash), slash == std::string::npos ? "" : rest.substr(slash + 1)};
}

void parse_kubernetes(const std::string& rest, Target& target) {
  const auto [namespace_, release] = parts_of(rest);
  need(is_dns_label(namespace_, 63), target, "the namespace", "must be a DNS label of at most 63 characters");
  need(is_helm_release(release), target, "the release",
       "must consist of lower-case letters, digits, '-' and '.', at most 53 of them");
  target.namespace_ = namespace_;
  target.release = release;
}

void parse_docker(const std::string& rest, Target& target) {
  need(is_name(rest, kLower, "_-", 63), target, "the project",
       "must consist of lower-case letters, digits, '-' and '_' and begin with a letter or digit");
  target.project = rest;
}

void parse_host(const std::string& rest, Target& target) {
  const auto [agent, instance] = parts_of(rest);
  const char* const rule = "must consist of letters, digits, '.', '-' and '_' and begin with a letter or digit";
  need(is_name(agent, kLetters, "._-", 63), target, "the agent", rule);
  need(rest == agent || is_name(instance, kLetters, "._-", 63), target, "the name", rule);
  need(instance != "releases" && instance != "current" && instance != "current.new", target, "the name",
       "is one that wrktalk uses itself");
  target.agent = agent;
  target.instance = instance;
}

std::string no_folder(const Target&, const Settings&) { return {}; }

}  // namespace

const std::vector<KindRow>& kind_rows() {
  using Programs = std::vector<std::string>;
  static const std::vector<KindRow> rows = {
      {TargetKind::kubernetes, "kubernetes:NAMESPACE/RELEASE",
       [](const Settings& settings, const std::string&) {
         return "kubernetes:" + settings.kube_namespace + "/" + settings.helm_release;
       },
       parse_kubernetes, [](const Settings& settings) -> Programs { return {settings.helm_bin}; }, no_folder,
       make_helm},
      {TargetKind::docker, "docker:PROJECT",
       [](const Settings& settings, const std::string&) { return "docker:" + settings.compose_project; }, parse_docker,
       [](const Settings& settings) -> Programs {
         return {"docker", settings.compose_bin};
       },
       no_folder, make_compose},
      {TargetKind::host, "host:AGENT or host:AGENT/NAME",
       [](const Settings&, const std::string& agent_id) { return "host:" + agent_id; }, parse_host,
       [](const Settings& settings) -> Programs {
         return {settings.host_activate, settings.host_health};
       },
       root_of, make_host},
  };
  return rows;
}

const KindRow& row_of(TargetKind kind) { return kind_rows()[static_cast<std::size_t>(kind)]; }

}  // namespace wrktalk::deploy
