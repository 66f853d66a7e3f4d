// SPDX-License-Identifier: Apache-2.0
#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/deploy/deployer.hpp"
#include "core/doctor/check.hpp"
#include "core/doctor/programs.hpp"

namespace wrktalk::doctor {
namespace {

struct ClusterRight {
  const char* verb;
  const char* resource;
  const char* what_for;
};

/// What each chart needs, whatever is in it: helm keeps its releases in Secrets, and we look at pods and events.
constexpr ClusterRight kRights[] = {
    {"list", "secrets", "helm keeps its releases there"},   {"create", "secrets", "helm keeps its releases there"},
    {"update", "secrets", "helm keeps its releases there"}, {"delete", "secrets", "helm keeps its releases there"},
    {"patch", "deployments.apps", "charts have them"},      {"list", "pods", "what fails is told from them"},
    {"list", "events", "what fails is told from them"},
};

void look_at_rights(const Look& look, const deploy::Target& target) {
  std::vector<std::string> missing;
  for (const auto& right : kRights) {
    const auto answer = ask({look.site().agent.deploy.kubectl_bin, "auth", "can-i", right.verb, right.resource,
                             "--namespace", target.namespace_},
                            look);
    if (is_good(answer)) continue;
    if (first_line(answer) != "no") return look.note("the rights in the cluster cannot be asked for: " + why(answer));
    missing.push_back(std::string(right.verb) + " " + right.resource + " (" + right.what_for + ")");
  }
  if (missing.empty()) return look.good(target.name + ": the rights that every chart needs are there");
  look.fail(target.name + ": no right to " + base::join(missing, ", "),
            "give them by a Role in namespace " + target.namespace_ + ", as k8s/base does");
}

void look_at(const Look& look, const deploy::Target& target) {
  exec::Fence fence;
  const auto deployer = deploy::make_deployer(target, look.site().agent.deploy, {"doctor"}, fence);
  deployer->check_access(look.pulse());
  const auto seen = deployer->observe(look.pulse());
  const std::string text = target.name + ": " + seen.detail;
  switch (seen.state) {
    case deploy::Observed::State::absent:
    case deploy::Observed::State::running: return look.good(text);
    case deploy::Observed::State::pending: return look.note(text);
    case deploy::Observed::State::broken: return look.warn("what runs is not whole: " + text, "see `wrktalk status`");
  }
}

}  // namespace

void check_targets(const Look& look) {
  const auto settings = agent::ready(look.site().agent, look.site().database, look.site().checkpoint_database);
  for (const auto& target : settings.targets) {
    try {
      look_at(look, target);
      if (target.kind == deploy::TargetKind::kubernetes) look_at_rights(look, target);
    } catch (const base::Error& e) {
      if (e.kind() == base::Kind::interrupted || e.kind() == base::Kind::terminated) throw;
      look.fail(target.name + ": " + e.what(), e.hint());
    }
  }
}

}  // namespace wrktalk::doctor
