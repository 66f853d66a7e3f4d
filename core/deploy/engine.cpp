// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/engine.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/deploy/hints.hpp"
#include "core/log/log.hpp"

#include <algorithm>
#include <iterator>

namespace wrktalk::deploy {
namespace {

using base::Error;
using base::Kind;
using compose::Condition;
using compose::Containers;

constexpr std::chrono::seconds kGrace{30};
constexpr std::chrono::milliseconds kBetweenTries{1'000};
constexpr const char* kLogLines = "50";
// What docker, compose v2 and docker-compose 1.29 say of an engine that is gone or goes.
constexpr const char* kAwayWords[] = {
    "Cannot connect to the Docker daemon",     "error during connect", "Couldn't connect to Docker daemon",
    "Error while fetching server API version", "Connection aborted",   "docker.sock: "};
constexpr const char* kProjectLabel = "label=com.docker.compose.project=";
constexpr const char* kNoOneOff = "label=com.docker.compose.oneoff=False";

}  // namespace

void Engine::need_answer(base::Pulse& pulse) const {
  const auto answer = tools_.look({"docker", "version", "--format", "{{.Server.Version}}"}, pulse);
  if (!answer.good()) throw EngineAway("the Docker engine does not answer: " + last_line(answer.err));
}

void Engine::note_outage(const EngineAway& e) {
  log::warn("deploy.engine_away", std::string(e.what()) + ": waiting until it answers");
}

bool Engine::answers(base::Pulse& pulse) const {
  try {
    need_answer(pulse);
    return true;
  } catch (const EngineAway&) {
    return false;
  }
}

bool Engine::was_away(const exec::Outcome& outcome, base::Pulse& pulse) const {
  if (outcome.good()) return false;
  const bool says_so = std::any_of(std::begin(kAwayWords), std::end(kAwayWords),
                                   [&](const char* words) { return outcome.err.find(words) != std::string::npos; });
  return says_so || !answers(pulse);
}

bool Engine::wait_for_answer(const base::Deadline& until, base::Pulse& pulse) const {
  do {
    base::pause(pulse, base::Deadline::in(kBetweenTries));
    if (answers(pulse)) return true;
  } while (!until.passed());
  return false;
}

void Engine::fail(const std::string& what, const exec::Outcome& outcome, base::Pulse& pulse) const {
  const std::string text = what + " " + outcome.describe() + ": " + last_line(outcome.err);
  if (was_away(outcome, pulse)) throw EngineAway(text);
  throw Error(Kind::child, text, hint_for(outcome.err));
}

Containers Engine::containers(Of which, base::Pulse& pulse) const {
  for (int attempt = 0;; ++attempt) {
    Args listing = {"docker", "ps", "--all", "--quiet", "--no-trunc"};
    if (which != Of::everywhere) listing.insert(listing.end(), {"--filter", kProjectLabel + project_});
    if (which == Of::services) listing.insert(listing.end(), {"--filter", kNoOneOff});
    const Args found = ids(listing, pulse);
    if (found.empty()) return {};
    Args words = {"docker", "inspect", "--type", "container", "--format", compose::kInspectFormat};
    words.insert(words.end(), found.begin(), found.end());
    const auto answer = tools_.look(words, pulse);
    // One of them may have gone since it was listed; of a whole engine one always may.
    const bool some_gone = which == Of::everywhere && answer.err.find("No such container") != std::string::npos;
    if (answer.good() || some_gone) return compose::parse_containers(answer.out);
    if (attempt == 2) fail("docker inspect", answer, pulse);
  }
}

std::vector<std::string> Engine::volume_devices(base::Pulse& pulse) const {
  const Args volumes = ids({"docker", "volume", "ls", "--quiet", "--filter", kProjectLabel + project_}, pulse);
  if (volumes.empty()) return {};
  Args words = {"docker", "volume", "inspect", "--format", R"({{if .Options}}{{index .Options "device"}}{{end}})"};
  words.insert(words.end(), volumes.begin(), volumes.end());
  Args devices;
  for (auto& device : ids(words, pulse)) {
    if (base::starts_with(device, "/")) devices.push_back(std::move(device));
  }
  return devices;
}

std::string Engine::image_id(const std::string& image, base::Pulse& pulse) const {
  const auto answer = tools_.look({"docker", "image", "inspect", "--format", "{{.Id}}", image}, pulse);
  if (was_away(answer, pulse)) throw EngineAway("docker image inspect: " + last_line(answer.err));
  return answer.good() ? base::trim(answer.out) : "";
}

void Engine::tag(const std::string& id, const std::string& name, std::chrono::milliseconds timeout,
                 base::Pulse& pulse) const {
  Tools::Act act;
  act.argv = {"docker", "tag", id, name};
  act.timeout = timeout;
  act.grace = kGrace;
  const auto outcome = tools_.act(act, pulse);
  if (!outcome.good()) fail("docker tag " + name, outcome, pulse);
}

void Engine::start(const Containers& containers, std::chrono::milliseconds timeout, base::Pulse& pulse) const {
  if (containers.empty()) return;
  Tools::Act act;
  act.argv = {"docker", "start"};
  for (const auto& container : containers) act.argv.push_back(container.id);
  act.timeout = timeout;
  act.grace = kGrace;
  const auto outcome = tools_.act(act, pulse);
  if (was_away(outcome, pulse)) throw EngineAway("docker start: " + last_line(outcome.err));
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

void Engine::stop(const Containers& containers, std::chrono::milliseconds timeout, base::Pulse& pulse) const {
  if (containers.empty()) return;
  Args which;
  for (const auto& container : containers) which.push_back(container.id);
  each("stop", {"docker", "stop"}, which, timeout, pulse);
}

void Engine::remove(const Containers& containers, std::chrono::milliseconds timeout, base::Pulse& pulse) const {
  if (containers.empty()) return;
  stop(containers, timeout, pulse);
  Args which;
  for (const auto& container : containers) which.push_back(container.id);
  each("rm", {"docker", "rm", "--force"}, which, timeout, pulse);
}

void Engine::remove_networks(std::chrono::milliseconds timeout, base::Pulse& pulse) const {
  const Args networks = ids({"docker", "network", "ls", "--quiet", "--filter", kProjectLabel + project_}, pulse);
  if (!networks.empty()) each("network rm", {"docker", "network", "rm"}, networks, timeout, pulse);
}

Engine::Args Engine::ids(const Args& words, base::Pulse& pulse) const {
  const auto answer = tools_.look(words, pulse);
  if (!answer.good()) fail(base::join(words, " "), answer, pulse);
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
  if (was_away(outcome, pulse)) throw EngineAway(std::string("docker ") + what + ": " + last_line(outcome.err));
  throw StepError(StepError::Left::dirty,
                  std::string("docker ") + what + " of project " + project_ + " " + outcome.describe() + ": " +
                      last_line(outcome.err),
                  hint_for(outcome.err), outcome.err);
}

std::string last_line(const std::string& text) {
  std::string last;
  for (const auto& line : base::split(text, '\n')) {
    if (!base::trim(line).empty()) last = base::one_line(line);
  }
  return log::redact(last);
}

}  // namespace wrktalk::deploy
