// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/pod_diagnostics.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/deploy/events.hpp"
#include "core/deploy/hints.hpp"
#include "core/deploy/pods.hpp"
#include "core/log/log.hpp"

#include <algorithm>
#include <ctime>

namespace wrktalk::deploy {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kMostOften{1'000};
constexpr milliseconds kLeastOften{30'000};
constexpr milliseconds kAnswers{5'000};
constexpr int kLooks = 8;
constexpr std::size_t kPods = 10;
constexpr std::size_t kLogs = 3;
constexpr const char* kLogLines = "--tail=20";
constexpr std::size_t kWarnings = 15;

/// The cluster's clock may be that much behind ours.
constexpr std::chrono::minutes kSkew{2};

std::string utc(std::chrono::system_clock::time_point time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[sizeof "2026-01-31T12:00:00"];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts)};
}

}  // namespace

PodDiagnostics::PodDiagnostics(base::Pulse& pulse, const Tools& tools, std::string kubectl, std::string of_namespace,
                               milliseconds helm_timeout)
    : pulse_(pulse),
      tools_(tools),
      kubectl_(std::move(kubectl)),
      namespace_(std::move(of_namespace)),
      interval_(std::clamp(helm_timeout / kLooks, kMostOften, kLeastOften)),
      next_(base::Deadline::in(interval_)),
      rollback_(base::Deadline::in(helm_timeout)),
      begun_(utc(std::chrono::system_clock::now() - kSkew)) {}

base::Deadline PodDiagnostics::watch(std::vector<pollfd>& fds) { return sooner(pulse_.watch(fds), next_); }

void PodDiagnostics::tick() {
  pulse_.tick();
  if (!next_.passed()) return;
  if (seen_.empty() || !rollback_.passed()) look();
  next_ = base::Deadline::in(interval_);
}

PodDiagnostics::Testimony PodDiagnostics::report() {
  if (seen_.empty()) look();
  Testimony out{seen_, {}};
  auto noted = warnings();
  if (noted.size() > kWarnings) noted.erase(noted.begin(), noted.end() - static_cast<std::ptrdiff_t>(kWarnings));
  if (!noted.empty()) out.text += "\nwarnings:\n" + base::join(noted, "\n") + "\n";
  for (const auto* sentences : {&noted, &stories_}) {
    for (const auto& sentence : *sentences) {
      if (!out.cause.empty() && hint_for(sentence).empty()) continue;
      out.cause = sentence;
    }
  }
  return out;
}

std::vector<std::string> PodDiagnostics::warnings() {
  return events::warnings(kubectl({"get", "events", "--field-selector=type=Warning", "--output", events::kFormat}),
                          begun_);
}

std::string PodDiagnostics::kubectl(std::vector<std::string> words) {
  if (kubectl_.empty()) return {};
  words.insert(words.begin(), kubectl_);
  // No --request-timeout: in a pod, kubectl would then ask localhost:8080 instead of the cluster.
  words.insert(words.end(), {"--namespace", namespace_});
  try {
    const auto outcome = tools_.look(std::move(words), pulse_, kAnswers);
    return outcome.good() ? outcome.out : "";
  } catch (const base::Error& e) {
    if (e.kind() != base::Kind::configuration) throw;
    log::info("deploy.no_kubectl", std::string(e.what()) + ": pods are not looked at while helm works");
    kubectl_.clear();
    return {};
  }
}

void PodDiagnostics::look() {
  const auto pods = pods::unwell(kubectl({"get", "pods", "--output", pods::kPodsFormat}));
  if (pods.empty()) return;
  std::string text = "\npods of namespace " + namespace_ + " that were not well:\n";
  stories_.clear();
  for (std::size_t i = 0; i < pods.size() && i < kPods; ++i) {
    text += pods[i].story + "\n";
    stories_.push_back(pods[i].story);
  }
  if (pods.size() > kPods) text += "... and " + std::to_string(pods.size() - kPods) + " more\n";
  std::size_t logs = 0;
  for (const auto& pod : pods) {
    for (const auto& container : pod.containers) {
      if (logs == kLogs) break;
      std::vector<std::string> words = {"logs", pod.name, "--container", container.name, kLogLines};
      if (container.previous) words.emplace_back("--previous");
      const std::string said = kubectl(words);
      if (said.empty()) continue;
      ++logs;
      text += "\nlast lines of " + pod.name + "/" + container.name + ":\n" + base::trim(said) + "\n";
    }
  }
  seen_ = text;
}

}  // namespace wrktalk::deploy
