// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/engine.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/log/log.hpp"

namespace wrktalk::deploy {
namespace {

using base::Error;
using base::Kind;
using compose::Condition;
using compose::Containers;

constexpr std::chrono::seconds kGrace{30};
constexpr const char* kLogLines = "50";
constexpr const char* kProjectLabel = "label=com.docker.compose.project=";
constexpr const char* kNoOneOff = "label=com.docker.compose.oneoff=False";

}  // namespace

void Engine::need_answer(base::Pulse& pulse) const {
  const auto answer = tools_.look({"docker", "version", "--format", "{{.Server.Version}}"}, pulse);
  if (answer.good()) return;
  throw Error(Kind::child, "the Docker engine does not answer: " + last_line(answer.err), engine_hint(answer.err));
}

Containers Engine::containers(Of which, base::Pulse& pulse) const {
  for (int attempt = 0;; ++attempt) {
    Args listing = {"docker", "ps", "--all", "--quiet", "--no-trunc", "--filter", kProjectLabel + project_};
    if (which == Of::services) listing.insert(listing.end(), {"--filter", kNoOneOff});
    const Args found = ids(listing, pulse);
    if (found.empty()) return {};
    Args words = {"docker", "inspect", "--type", "container", "--format", compose::kInspectFormat};
    words.insert(words.end(), found.begin(), found.end());
    const auto answer = tools_.look(words, pulse);
    if (answer.good()) return compose::parse_containers(answer.out);
    // One of them may have gone since it was listed.
    if (attempt == 2) throw Error(Kind::child, "docker inspect " + answer.describe() + ": " + last_line(answer.err));
  }
}

bool Engine::has_image(const std::string& image, base::Pulse& pulse) const {
  return tools_.look({"docker", "image", "inspect", "--format", "{{.Id}}", image}, pulse).good();
}

std::string Engine::evidence(const Containers& now, base::Pulse& pulse) const {
  std::string text;
  for (const auto& container : now) {
    if (condition_of(container) == Condition::good) continue;
    const auto answer = tools_.look({"docker", "logs", "--tail", kLogLines, container.id}, pulse);
    text += "--- " + compose::describe(container) + "\n" + answer.out + answer.err;
  }
  return text;
}

void Engine::remove(const Containers& containers, std::chrono::milliseconds timeout, base::Pulse& pulse) const {
  if (containers.empty()) return;
  Args which;
  for (const auto& container : containers) which.push_back(container.id);
  each("stop", {"docker", "stop"}, which, timeout, pulse);
  each("rm", {"docker", "rm", "--force"}, which, timeout, pulse);
}

void Engine::remove_networks(std::chrono::milliseconds timeout, base::Pulse& pulse) const {
  const Args networks = ids({"docker", "network", "ls", "--quiet", "--filter", kProjectLabel + project_}, pulse);
  if (!networks.empty()) each("network rm", {"docker", "network", "rm"}, networks, timeout, pulse);
}

Engine::Args Engine::ids(const Args& words, base::Pulse& pulse) const {
  const auto answer = tools_.look(words, pulse);
  if (!answer.good()) {
    throw Error(Kind::child, base::join(words, " ") + " " + answer.describe() + ": " + last_line(answer.err),
                engine_hint(answer.err));
  }
  Args found;
  for (auto& id : base::split(answer.out, '\n')) {
    if (!id.empty()) found.push_back(std::move(id));
  }
  return found;
}

void Engine::each(const char* what, Args words, const Args& which, std::chrono::milliseconds timeout,
                  base::Pulse& pulse) const {
  words.insert(words.end(), which.begin(), which.end());
  Tools::Act act;
  act.argv = std::move(words);
  act.timeout = timeout;
  act.grace = kGrace;
  const auto outcome = tools_.act(act, pulse);
  if (outcome.good()) return;
  throw StepError(StepError::Left::not_put_back,
                  std::string("docker ") + what + " of project " + project_ + " " + outcome.describe() + ": " +
                      last_line(outcome.err),
                  engine_hint(outcome.err), outcome.err);
}

std::string last_line(const std::string& text) {
  std::string last;
  for (const auto& line : base::split(text, '\n')) {
    if (!base::trim(line).empty()) last = base::one_line(line);
  }
  return log::redact(last);
}

std::string engine_hint(const std::string& stderr_text) {
  if (stderr_text.find("Cannot connect to the Docker daemon") != std::string::npos ||
      stderr_text.find("permission denied while trying to connect") != std::string::npos) {
    return "check that the engine runs and that we may use its socket: docker version";
  }
  return {};
}

}  // namespace wrktalk::deploy
