// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/helm_look.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/deploy/hints.hpp"
#include "core/log/log.hpp"

#include <algorithm>
#include <cctype>

namespace wrktalk::deploy::helm {
namespace {

using base::Error;
using base::Kind;
using kube::Health;
using kube::Live;
using kube::Object;

constexpr std::chrono::seconds kBetweenLooks{1};
/// A look that took longer has waited for the server.
constexpr std::chrono::seconds kLongLook{5};
constexpr std::size_t kMostStories = 10;
constexpr const char* kDeletePolicy = "helm.sh/hook-delete-policy";

/// kubectl is not there, or may not look: that is no failure of the release.
bool cannot_look(const Error& e) {
  return e.kind() == Kind::configuration ||
         (e.kind() == Kind::child && std::string(e.what()).find("orbidden") != std::string::npos);
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

/// What to do about the first one that is not well.
std::string hint(const std::vector<Object>& wanted, const std::string& story) {
  for (const auto& object : wanted) {
    if (!base::starts_with(story, object.title() + ": ") && story != object.title() + " is not there") continue;
    const std::string what = lower(object.kind) + "/" + object.name + " --namespace " + object.namespace_;
    if (story.find(": is paused") != std::string::npos) return "let it go on: kubectl rollout resume " + what;
    return "look at it with kubectl describe " + what;
  }
  return {};
}

/// helm removes a hook's object before it makes it anew when nothing else is asked for.
bool helm_removes(const Object& hook) {
  const auto policy = hook.annotations.find(kDeletePolicy);
  return policy == hook.annotations.end() || base::trim(policy->second).empty() ||
         policy->second.find("before-hook-creation") != std::string::npos;
}

}  // namespace

kube::Manifest readable(const Tools& tools, const std::string& objects, const std::string& of_namespace) {
  try {
    return kube::parse_manifest(objects, of_namespace);
  } catch (const Error& e) {
    if (e.kind() != Kind::artifact) throw;
    tools.tell(std::string("what runs is not looked at, since its manifest cannot be read: ") + e.what());
    return {};
  }
}

void Look::await(const std::vector<Object>& workloads, const std::string& release, StepError::Left when_not,
                 base::Pulse& pulse) const {
  if (workloads.empty()) return;
  const auto longest = base::Deadline::in(kLongestAway);
  auto until = base::Deadline::in(timeout_);
  for (;;) {
    kube::Verdict verdict;
    const auto began = base::BootClock::now();
    try {
      kube::wait_for_server(tools_, longest, pulse,
                            [&] { verdict = kube::judge(workloads, kubectl_.get(workloads, pulse)); });
    } catch (const Error& e) {
      if (e.kind() != Kind::child && e.kind() != Kind::configuration) throw;
      if (!cannot_look(e)) throw StepError(when_not, e.what(), e.hint());
      tools_.tell("what runs of " + release + " was not looked at: " + e.what());
      return;
    }
    if (verdict.health == Health::well) return;
    if (base::BootClock::now() - began > kLongLook && until < base::Deadline::in(timeout_))
      until = base::Deadline::in(timeout_);
    if (verdict.health == Health::failed || until.passed()) {
      throw StepError(when_not,
                      "release " + release +
                          " does not run as it should: " + base::join(at_most(verdict.stories, kMostStories), "; "),
                      hint(workloads, verdict.stories.front()));
    }
    base::pause(pulse, base::Deadline::in(kBetweenLooks));
  }
}

void HookRuns::make_room(base::Pulse& pulse) {
  if (hooks_.empty()) return;
  std::vector<Live> there;
  try {
    there = kubectl_.get(hooks_, pulse);
  } catch (const Error& e) {
    if (!cannot_look(e)) throw;
    tools_.tell(std::string("whether hooks of an earlier release were left behind is not known: ") + e.what());
    return;
  }
  std::vector<Object> old;
  for (const auto& hook : hooks_) {
    const Live* live = kube::find(there, hook);
    if (live == nullptr) continue;
    if (helm_removes(hook)) {
      uids_.insert(live->uid);
      continue;
    }
    const std::string what = lower(hook.kind) + "/" + hook.name + " --namespace " + hook.namespace_;
    if (!live->is_hook) {
      throw StepError(StepError::Left::untouched, hook.title() + ", which is to run as a hook, is there and is none",
                      "remove it when nobody needs it: kubectl delete " + what);
    }
    if (live->health == Health::moving) {
      throw StepError(StepError::Left::untouched, "the hook " + hook.title() + " of an earlier release still runs",
                      "wait until it has ended, or end it: kubectl delete " + what);
    }
    old.push_back(hook);
  }
  if (old.empty()) return;
  for (const auto& hook : old)
    tools_.tell("the hook " + hook.title() + " of an earlier release is removed, so that it runs again");
  try {
    kubectl_.remove(old, pulse);
  } catch (const Error& e) {
    if (e.kind() != Kind::child) throw;
    throw StepError(StepError::Left::untouched,
                    "the hook " + old.front().title() + " of an earlier release cannot be removed: " + e.what(),
                    "remove it: kubectl delete " + lower(old.front().kind) + "/" + old.front().name + " --namespace " +
                        old.front().namespace_);
  }
}

std::vector<std::string> HookRuns::not_run(base::Pulse& pulse) const {
  std::vector<std::string> out;
  if (uids_.empty()) return out;
  for (const auto& live : kubectl_.get(hooks_, pulse)) {
    if (uids_.count(live.uid) != 0) out.push_back(live.kind + " " + live.name);
  }
  return out;
}

std::vector<std::string> HookRuns::end(base::Pulse& pulse) const {
  std::vector<std::string> names;
  if (hooks_.empty()) return names;
  try {
    const auto there = kubectl_.get(hooks_, pulse);
    std::vector<Object> running;
    for (const auto& hook : hooks_) {
      const Live* live = kube::find(there, hook);
      if (live == nullptr || !live->is_hook || live->health != Health::moving) continue;
      running.push_back(hook);
      names.push_back(hook.title());
    }
    if (running.empty()) return names;
    tools_.tell("ending what still runs of the hooks: " + base::join(names, ", "));
    kubectl_.remove(running, pulse);
  } catch (const Error& e) {
    if (e.kind() != Kind::child && e.kind() != Kind::configuration) throw;
    tools_.tell(std::string("whether hooks still run is not known: ") + e.what());
  }
  return names;
}

}  // namespace wrktalk::deploy::helm
