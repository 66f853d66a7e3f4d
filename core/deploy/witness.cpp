// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/witness.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/deploy/pods.hpp"
#include "core/log/log.hpp"

#include <algorithm>

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

std::string last_lines(const std::string& text, std::size_t count) {
  auto lines = base::split(base::trim(text), '\n');
  if (lines.size() > count) lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(count));
  return base::join(lines, "\n") + "\n";
}

}  // namespace

Witness::Witness(base::Pulse& pulse, const Tools& tools, std::string kubectl, std::string of_namespace,
                 milliseconds helm_timeout)
    : pulse_(pulse),
      tools_(tools),
      kubectl_(std::move(kubectl)),
      namespace_(std::move(of_namespace)),
      interval_(std::clamp(helm_timeout / kLooks, kMostOften, kLeastOften)),
      next_(base::Deadline::in(interval_)),
      rollback_(base::Deadline::in(helm_timeout)) {}

base::Deadline Witness::watch(std::vector<pollfd>& fds) { return sooner(pulse_.watch(fds), next_); }

void Witness::tick() {
  pulse_.tick();
  if (!next_.passed()) return;
  if (seen_.empty() || !rollback_.passed()) look();
  next_ = base::Deadline::in(interval_);
}

std::string Witness::testimony() {
  if (seen_.empty()) look();
  return seen_;
}

std::string Witness::kubectl(std::vector<std::string> words) {
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

void Witness::look() {
  const auto pods = pods::unwell(kubectl({"get", "pods", "--output", pods::kPodsFormat}));
  if (pods.empty()) return;
  std::string text = "\npods of namespace " + namespace_ + " that were not well:\n";
  for (std::size_t i = 0; i < pods.size() && i < kPods; ++i) text += pods[i].story + "\n";
  if (pods.size() > kPods) text += "... and " + std::to_string(pods.size() - kPods) + " more\n";
  const std::string warnings = kubectl({"get", "events", "--field-selector=type=Warning", "--sort-by=.lastTimestamp"});
  if (!warnings.empty()) text += "\nwarnings:\n" + last_lines(warnings, kWarnings);
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
