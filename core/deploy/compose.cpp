// SPDX-License-Identifier: Apache-2.0
#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/deploy/compose_files.hpp"
#include "core/deploy/compose_tool.hpp"
#include "core/deploy/compose_way_back.hpp"
#include "core/deploy/engine.hpp"
#include "core/deploy/folders.hpp"
#include "core/deploy/kinds.hpp"
#include "core/deploy/tools.hpp"
#include "core/deploy/trees.hpp"

#include <algorithm>

namespace wrktalk::deploy {
namespace {

using base::Error;
using base::Kind;
using compose::Condition;
using compose::Containers;
using compose::WayBack;
using Args = std::vector<std::string>;
using Left = StepError::Left;
using Recreate = ComposeTool::Recreate;

constexpr std::chrono::milliseconds kBetweenLooks{300};

class Compose : public Deployer {
 public:
  Compose(const Target& target, const Settings& settings, const TaskTurn& turn, exec::Fence& fence, OnOutput on_output)
      : tools_(compose_environment(settings), fence, std::move(on_output)),
        project_(target.project),
        engine_(tools_, project_),
        compose_(tools_, settings, project_),
        trees_(settings.compose_working_dir + (project_ == settings.compose_project ? "" : "/projects/" + project_),
               Trees::Owner::any, target.name, turn),
        policy_(settings.policy),
        timeout_(settings.compose_timeout) {}

  void check_access(base::Pulse& pulse) override {
    compose_.find(pulse);
    engine_.need_answer(pulse);
  }

  void preflight(base::Pulse& pulse) override {
    check_access(pulse);
    trees_.own_soon(pulse);
  }

  std::string home(const std::string& version) override {
    trees_.own();
    base::NoPulse quiet;
    return trees_.home(version, in_use(quiet));
  }

  std::string home_beside(const std::string& version, const Before& before) override {
    trees_.own();
    base::NoPulse quiet;
    Places places = in_use(quiet);
    for (const auto& file : compose::way_back_from_json(before.way_back).files) places.add(file);
    return trees_.home(version, places);
  }

  Args check(const Release& release, base::Pulse& pulse) override {
    const std::string file = ComposeTool::file_of(release);
    compose::TreeFiles files(release.tree);
    policy::enforce(policy_, compose::judge_files(files, file.substr(release.tree.size() + 1), policy_));
    Args warnings = policy::enforce(policy_, model(release, pulse).judge(release.tree, policy_));
    trees_.note_contents(release.tree, pulse);
    return warnings;
  }

  Before before(base::Pulse& pulse) override {
    const Containers now = services(pulse);
    Before before;
    before.detail = "project " + project_ + ": " + describe(now);
    if (now.empty()) {
      before.state = Before::State::nothing;
      return before;
    }
    const WayBack way = compose::way_back(now);
    before.way_back = compose::to_json(way);
    before.version = version_of(way);
    const std::string obstacle = what_hinders(way, now, before.version.has_value(), pulse);
    before.state = obstacle.empty() ? Before::State::running : Before::State::unknown;
    if (!obstacle.empty()) before.detail += "; it cannot be put back: " + obstacle;
    return before;
  }

  Applied apply(const Release& release, base::Pulse& pulse) override {
    trees_.own();
    compose_.find(pulse);
    const Containers before = services(pulse);
    const auto outcome = compose_.up(release, Recreate::changed, pulse);
    if (outcome.good()) return {std::nullopt, "project " + project_ + ": " + release.version + " is up"};
    const Containers after = services(pulse);
    const bool same = fingerprint(before) == fingerprint(after);
    throw StepError(same ? Left::untouched : Left::dirty,
                    "compose up of " + release.version + " " + outcome.describe() + ": " + last_line(outcome.err),
                    engine_hint(outcome.err), outcome.err + engine_.evidence(after, pulse));
  }

  void health(const Release& release, base::Pulse& pulse) override {
    const auto until = base::Deadline::in(timeout_);
    compose::Settling settling;
    for (;;) {
      const Containers now = services(pulse);
      const Condition condition = settling.look(now, base::BootClock::now());
      if (condition == Condition::good) return;
      if (condition == Condition::broken || until.passed()) {
        const std::string why = condition == Condition::broken ? " does not run well: " : " did not come up in time: ";
        throw StepError(Left::dirty, release.version + why + describe(now),
                        "look at what the containers say: docker compose -p " + project_ + " logs",
                        describe(now) + "\n" + engine_.evidence(now, pulse));
      }
      base::pause(pulse, base::Deadline::in(kBetweenLooks));
    }
  }

  Applied put_back(const Before& before, const std::optional<Release>& stored, base::Pulse& pulse) override {
    try {
      trees_.own();
      compose_.find(pulse);
      if (before.state == Before::State::nothing) return take_down(pulse);
      return bring_back(before, stored, pulse);
    } catch (const StepError& e) {
      throw StepError(Left::not_put_back, e.what(), e.hint(), e.evidence());
    } catch (const Error& e) {
      if (e.kind() != Kind::artifact && e.kind() != Kind::child && e.kind() != Kind::failed && e.kind() != Kind::busy &&
          e.kind() != Kind::configuration) {
        throw;
      }
      throw StepError(Left::not_put_back, e.what(), e.hint());
    }
  }

  std::vector<std::string> missing_images(const Release& release, base::Pulse& pulse) override {
    Args missing;
    for (const auto& image : model(release, pulse).images()) {
      if (!engine_.has_image(image, pulse)) missing.push_back(image);
    }
    return missing;
  }

  std::optional<long> held_revision(const std::string&, std::optional<long>, base::Pulse&) override {
    return std::nullopt;
  }
  std::optional<std::string> version_at(long, base::Pulse&) override { return std::nullopt; }
  std::optional<Applied> roll_back_to(long, base::Pulse&) override { return std::nullopt; }

  Observed observe(base::Pulse& pulse) override {
    const Containers now = services(pulse);
    Observed seen;
    seen.detail = "project " + project_ + ": " + describe(now);
    if (now.empty()) return seen;
    if (const auto tree = compose::tree_of(now, trees_.folder())) seen.version = Trees::version_in(*tree);
    const bool whole = std::all_of(now.begin(), now.end(),
                                   [](const auto& container) { return condition_of(container) == Condition::good; });
    seen.state = whole ? Observed::State::running : Observed::State::broken;
    return seen;
  }

  bool needs_tree_to_put_back(const Before& before, base::Pulse& pulse) override {
    if (before.state != Before::State::running) return false;
    const WayBack way = compose::way_back_from_json(before.way_back);
    return way.files.empty() || compose::missing_file(way, true) || !trees_.changed(tree_of(way), pulse).empty();
  }

  /// Compose leaves nothing that hinders its next run.
  void recover(const Observed&, base::Pulse&) override {}

  void tidy(const std::vector<std::string>& keep, base::Pulse& pulse) noexcept override {
    try {
      trees_.own();
      trees_.tidy(keep, in_use(pulse), pulse);
    } catch (...) {
      // Somebody else works here, the engine does not answer, or the pulse ended it: what is left is removed the next time.
    }
  }

 private:
  Containers services(base::Pulse& pulse) const { return engine_.containers(Engine::Of::services, pulse); }

  /// What any container of the project mounts or was started from.
  Places in_use(base::Pulse& pulse) const {
    Places places;
    for (const auto& container : engine_.containers(Engine::Of::all, pulse)) {
      for (const auto& source : container.mounts) {
        if (!source.empty()) places.add(source);
      }
      const WayBack way = compose::way_back({container});
      for (const auto& file : way.files) places.add(file);
    }
    return places;
  }

  /// The tree of ours that it was brought up from; empty when that lies elsewhere.
  std::string tree_of(const WayBack& way) const {
    const auto name = way.files.empty() ? std::nullopt : trees_.name_at(way.files.front());
    return name ? trees_.folder() + "/" + *name : "";
  }

  std::optional<std::string> version_of(const WayBack& way) const {
    if (way.files.empty() || !base::starts_with(way.files.front(), trees_.folder() + "/")) return std::nullopt;
    const auto name = trees_.name_at(way.files.front());
    return name ? Trees::version_in(*name) : std::nullopt;
  }

  /// Why what runs could not be brought back; empty when it can. A release of ours can be had from the database again.
  /// Only of a release whose files were judged: compose opens what they name.
  compose::Model model(const Release& release, base::Pulse& pulse) {
    compose_.find(pulse);
    const auto answer = compose_.config(release, pulse);
    if (answer.good()) return {answer.out, compose_.prints_json()};
    throw Error(Kind::artifact, "compose refuses the release " + release.version + ": " + last_line(answer.err),
                "try it by hand: docker compose -f " + ComposeTool::file_of(release) + " config");
  }

  std::string what_hinders(const WayBack& way, const Containers& now, bool is_ours, base::Pulse& pulse) {
    if (way.files.empty()) return "its containers do not say which compose file they come from";
    const auto missing = compose::missing_file(way, true);
    if (missing && !is_ours) return "its file " + base::one_line(*missing) + " is not here";
    if (missing || compose::are_of_one_source(now)) return {};
    // Whatever the newest file does not name would be removed as an orphan.
    compose_.find(pulse);
    const Args named = compose_.services({way.files, way.working_dir, way.environment_files}, pulse);
    for (const auto& container : now) {
      if (std::find(named.begin(), named.end(), container.service) != named.end()) continue;
      return container.name + " comes from another compose file than the newest, " + base::one_line(way.files.front());
    }
    return {};
  }

  Applied bring_back(const Before& before, const std::optional<Release>& stored, base::Pulse& pulse) {
    const WayBack way = compose::way_back_from_json(before.way_back);
    const std::string what = before.version ? *before.version : stored ? stored->version : "what ran before";
    Trees::Restored restored;
    if (before.version && is_folder(tree_of(way))) {
      restored = trees_.restore_contents(tree_of(way), stored ? std::optional<std::string>(stored->tree) : std::nullopt,
                                         pulse);
    }
    const auto outcome = up_again(way, before.version.has_value(), stored, !restored.words.empty(), pulse);
    if (!outcome.good()) {
      throw StepError(Left::not_put_back,
                      "compose up of " + what + " " + outcome.describe() + ": " + last_line(outcome.err),
                      engine_hint(outcome.err), outcome.err);
    }
    health(Release{what, "", {}, {}}, pulse);
    restored.require_whole(what);
    const Args others = compose::other_images(way, services(pulse));
    return {std::nullopt,
            "project " + project_ + ": " + what + " is up again" +
                (others.empty() ? "" : ", with another image than before in " + base::join(others, ", ")) +
                (restored.words.empty() ? "" : "; " + restored.words)};
  }

  /// From where it was brought up before, when that is still here: running containers mount from there.
  exec::Outcome up_again(const WayBack& way, bool is_ours, const std::optional<Release>& stored, bool was_changed,
                         base::Pulse& pulse) const {
    const auto missing =
        way.files.empty() ? std::optional<std::string>("that was not noted") : compose::missing_file(way, !stored);
    if (!missing && !is_ours) {
      return compose_.up(ComposeSource{way.files, way.working_dir, way.environment_files}, Recreate::changed, pulse);
    }
    if (!missing) {
      Release release{"", tree_of(way), {}, {}};
      if (stored) release.env_file = stored->env_file;
      if (!stored && !way.environment_files.empty()) release.env_file = way.environment_files.front();
      return compose_.up(release, was_changed ? Recreate::all : Recreate::changed, pulse);
    }
    if (stored) {
      trees_.note_contents(stored->tree, pulse);
      return compose_.up(*stored, Recreate::changed, pulse);
    }
    throw Error(Kind::failed, "what project " + project_ + " was brought up from is gone: " + *missing,
                "deploy the release that is to run again: wrktalk deploy VERSION");
  }

  /// What `down` does, for what the task brought up: a compose file is not needed, and may be gone.
  Applied take_down(base::Pulse& pulse) const {
    Containers made;
    std::string others;
    for (auto& container : engine_.containers(Engine::Of::all, pulse)) {
      if (compose::tree_of(container, trees_.folder())) {
        made.push_back(std::move(container));
      } else {
        others += (others.empty() ? "" : ", ") + container.name;
      }
    }
    engine_.remove(made, timeout_, pulse);
    if (!others.empty()) {
      throw Error(Kind::failed, "project " + project_ + " has containers that this task did not make: " + others,
                  "look at what they are, and remove them when nothing is to run here");
    }
    engine_.remove_networks(timeout_, pulse);
    return {std::nullopt, "nothing ran before: project " + project_ + " was taken down, its volumes are kept"};
  }

  Tools tools_;
  std::string project_;
  Engine engine_;
  ComposeTool compose_;
  Trees trees_;
  policy::Policy policy_;
  std::chrono::milliseconds timeout_;
};

}  // namespace

std::unique_ptr<Deployer> make_compose(const Target& target, const Settings& settings, const TaskTurn& turn,
                                       exec::Fence& fence, OnOutput on_output) {
  return std::make_unique<Compose>(target, settings, turn, fence, std::move(on_output));
}

}  // namespace wrktalk::deploy
