// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/compose_project.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/deploy/compose_cause.hpp"
#include "core/deploy/compose_data.hpp"

#include <algorithm>
#include <cstdlib>

namespace wrktalk::deploy::compose {
namespace {

using base::Error;
using base::Kind;
using Names = std::vector<std::string>;

/// The override file of what is not a tree of ours.
constexpr const char* kByHand = ".by-hand";

/// What compose starts with the profiles that are on.
Names active(const Stack& stack) {
  const char* profiles = std::getenv("COMPOSE_PROFILES");
  Names names;
  for (const auto& service : stack.services) {
    if (starts(service, profiles == nullptr ? "" : profiles)) names.push_back(service.name);
  }
  return names;
}

}  // namespace

Project::Project(const Engine& engine, const ComposeTool& tool, const Trees& trees, const std::string& name,
                 const Settings& settings)
    : engine_(engine),
      tool_(tool),
      trees_(trees),
      timeout_(settings.compose_timeout),
      rest_(engine, name, settings.compose_timeout, settings.compose_settle) {}

const Model& Project::read(const ComposeSource& source, const std::string& what, base::Pulse& pulse) {
  if (read_ && read_->first == source.files) return read_->second;
  const auto answer = tool_.config(source, pulse);
  if (!answer.good()) {
    throw Error(Kind::artifact, "compose refuses the release " + what + ": " + cause(answer.err),
                "try it by hand: docker compose -f " + base::join(source.files, " -f ") + " config");
  }
  return read_.emplace(source.files, Model(answer.out, tool_.prints_json())).second;
}

Project::Brought Project::bring_up(ComposeSource source, const Wish& wish, Containers before, base::Pulse& pulse) {
  const Stack stack = read(source, wish.what, pulse).stack();
  Images by_id = wish.ran == nullptr ? Images() : moved(stack, *wish.ran, pulse);
  for (const auto& [service, name] : wish.carried) by_id.erase(service);
  Images images = wish.carried;
  images.insert(by_id.begin(), by_id.end());
  const std::string carried = carry_data(trees_, source.files.front(), wish.keep, before, engine_, timeout_, pulse);
  if (const std::string text = override_file(stack, wish.identity, images); !text.empty()) {
    source.files.push_back(trees_.write_override(trees_.name_at(source.files.front()).value_or(kByHand), text));
  }
  Brought out;
  out.before = std::move(before);
  out.moved_data = !carried.empty();
  for (const auto& [service, id] : by_id) {
    out.words += (out.words.empty() ? "; by its id, as it ran before: " : ", ") + service;
  }
  if (out.moved_data) out.words += "; " + carried;
  ComposeTool::Up how = wish.how;
  how.services = wish.services;
  how.build = how.build &&
              std::any_of(stack.services.begin(), stack.services.end(), [](const auto& one) { return one.is_built; });
  out.outcome = up(source, how, pulse);
  out.now = engine_.despite_outage(pulse, [&] { return services(pulse); });
  if (out.outcome.good()) {
    out.now = without_strays(out.now, wish, wish.services.empty() ? active(stack) : wish.services, pulse);
  }
  return out;
}

Containers Project::without_half_made(const Containers& all, const std::string& task, base::Pulse& pulse) const {
  Containers half_made;
  Containers others;
  for (const auto& container : all) {
    const bool is_half_made = container.status == "created" && container.identity && container.identity->task == task;
    (is_half_made ? half_made : others).push_back(container);
  }
  if (!half_made.empty())
    engine_.despite_outage(pulse, [&] {
      engine_.remove(half_made, timeout_, pulse);
      return true;
    });
  return others;
}

/// Services whose image is another one today than what ran, with the id of that, where the engine still has it.
Project::Images Project::moved(const Stack& stack, const WayBack& ran, base::Pulse& pulse) const {
  return engine_.despite_outage(pulse, [&] {
    Images out;
    Images known;
    for (const auto& service : stack.services) {
      const auto then = ran.images.find(service.name);
      if (then == ran.images.end() || then->second.empty()) continue;
      if (!service.image.empty() && known.count(service.image) == 0)
        known[service.image] = engine_.image_id(service.image, pulse);
      if (known[service.image] != then->second && engine_.has_image(then->second, pulse))
        out[service.name] = then->second;
    }
    return out;
  });
}

/// An engine that goes away meanwhile is waited for, and compose begins again: what it made already is as it should be.
exec::Outcome Project::up(const ComposeSource& source, const ComposeTool::Up& how, base::Pulse& pulse) const {
  return engine_.despite_outage(pulse, [&] {
    auto outcome = tool_.up(source, how, pulse);
    if (engine_.was_away(outcome, pulse)) throw EngineAway("compose up: " + last_line(outcome.err));
    return outcome;
  });
}

/// Compose leaves a service alone whose profile is off.
Containers Project::without_strays(const Containers& all, const Wish& wish, const Names& expected,
                                   base::Pulse& pulse) const {
  Containers strays;
  Containers stay;
  Names wrong;
  for (const auto& container : all) {
    const bool is_expected = std::find(expected.begin(), expected.end(), container.service) != expected.end();
    const bool fits = container.identity == wish.identity;
    (fits || is_expected ? stay : strays).push_back(container);
    if (!fits && is_expected) wrong.push_back(container.name);
  }
  engine_.remove(strays, timeout_, pulse);
  if (wrong.empty()) return stay;
  throw StepError(
      StepError::Left::dirty,
      "compose left containers as they were that are to be of " + wish.what + ": " + base::join(wrong, ", "),
      "look at what they are: docker inspect " + wrong.front());
}

}  // namespace wrktalk::deploy::compose
