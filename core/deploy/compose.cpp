// SPDX-License-Identifier: Apache-2.0
#include "core/base/error.hpp"
#include "core/base/files.hpp"
#include "core/base/name.hpp"
#include "core/base/text.hpp"
#include "core/deploy/compose_cause.hpp"
#include "core/deploy/compose_files.hpp"
#include "core/deploy/compose_images.hpp"
#include "core/deploy/compose_inputs.hpp"
#include "core/deploy/compose_obstacles.hpp"
#include "core/deploy/compose_project.hpp"
#include "core/deploy/compose_tool.hpp"
#include "core/deploy/compose_way_back.hpp"
#include "core/deploy/engine.hpp"
#include "core/deploy/folders.hpp"
#include "core/deploy/hints.hpp"
#include "core/deploy/kinds.hpp"
#include "core/deploy/tools.hpp"
#include "core/deploy/trees.hpp"
#include "core/log/log.hpp"

#include <algorithm>
#include <list>

namespace wrktalk::deploy {
namespace {

using base::Error;
using base::Kind;
using compose::Condition;
using compose::Containers;
using compose::Identity;
using compose::Stack;
using compose::WayBack;
using Args = std::vector<std::string>;
using Left = StepError::Left;

class Compose : public Deployer, private ImageInventory {
 public:
  Compose(const Target& target, const Settings& settings, const TaskTurn& turn, exec::Fence& fence, OnOutput on_output,
          ImageSource* images)
      : tools_(compose_environment(settings), fence, std::move(on_output)),
        project_(target.project),
        engine_(tools_, project_),
        compose_(tools_, settings, project_),
        trees_(settings.compose_working_dir + (project_ == settings.compose_project ? "" : "/projects/" + project_),
               Trees::Owner::any, target.name, turn),
        policy_(settings.policy),
        passed_variables_(compose_variables(settings)),
        task_(turn.task_id),
        timeout_(settings.compose_timeout),
        containers_(engine_, compose_, trees_, project_, settings),
        images_(engine_, tools_, images, settings.compose_timeout) {}

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
    Places places = in_use_or_all();
    for (const auto& file : compose::way_back_from_json(before.way_back).files) places.add(file);
    return trees_.home(version, places);
  }

  Args check(const Release& release, base::Pulse& pulse) override {
    const std::string file = ComposeTool::file_of(release);
    compose::TreeFiles files(release.tree);
    const auto judged = compose::judge_inputs(files, file.substr(release.tree.size() + 1), inputs_of(release), policy_);
    hidden_.emplace_back(judged.secrets);
    policy::enforce(policy_, judged.findings);
    compose_.find(pulse);
    const auto& model = containers_.read(ComposeTool::source_of(release), release.version, pulse);
    Args warnings = policy::told(policy::enforce(policy_, model.judge(release.tree, policy_)));
    for (const Args& more : {judged.notes, judged.unused, compose::obstacles(model, project_, tools_, pulse)})
      warnings.insert(warnings.end(), more.begin(), more.end());
    trees_.note_contents(release.tree, pulse);
    return warnings;
  }

  ImageInventory* images() noexcept override { return this; }

  std::string bring(const Release& release, base::Pulse& pulse) override {
    return images_.bring(release.version, pulse);
  }

  Before before(base::Pulse& pulse) override {
    const Containers now = containers_.services(pulse);
    seen_ = now;
    Before before;
    before.detail = "project " + project_ + ": " + describe(now);
    if (now.empty()) {
      before.state = Before::State::nothing;
      return before;
    }
    WayBack way = compose::way_back(now, trees_.overrides());
    before.version = version_of(way);
    const std::string obstacle = what_hinders(way, now, before.version.has_value(), pulse);
    before.state = obstacle.empty() ? Before::State::running : Before::State::unknown;
    if (!obstacle.empty()) {
      before.detail += "; it cannot be put back from its own files: " + obstacle;
      way.files.clear();
    }
    before.way_back = compose::to_json(way);
    return before;
  }

  Applied apply(const Release& release, base::Pulse& pulse) override {
    trees_.own();
    compose_.find(pulse);
    // Somebody may have moved or removed one since.
    untouched([&] { images_.bring(release.version, pulse); });
    compose::Project::Wish wish;
    wish.what = release.version;
    wish.identity = Identity{release.version, task_};
    wish.carried = carried(release.version, ComposeTool::source_of(release), pulse);
    wish.how.build = true;
    wish.keep = release.keep;
    WayBack ran;
    if (release.ran) {
      ran = compose::way_back_from_json(release.ran->way_back);
      wish.ran = &ran;
    }
    const Containers there = seen_ ? *seen_ : containers_.services(pulse);
    const auto brought = containers_.bring_up(ComposeTool::source_of(release), wish,
                                              containers_.without_half_made(there, task_, pulse), pulse);
    seen_ = brought.now;
    const auto& outcome = brought.outcome;
    up_ended_by_itself_ = outcome.end == exec::Outcome::End::exited;
    if (outcome.good()) {
      return {std::nullopt, "project " + project_ + ": " + release.version + " is up" + brought.words};
    }
    throw StepError(brought.touched() ? Left::dirty : Left::untouched,
                    "compose up of " + release.version + " " + outcome.describe() + ": " + why(outcome, *seen_),
                    hint_for(outcome.err), outcome.err + engine_.evidence(*seen_, pulse));
  }

  void health(const Release& release, base::Pulse& pulse) override {
    containers_.rest(release.version, seen_.value_or(Containers()), pulse);
  }

  Applied put_back(const Before& before, const std::optional<Release>& stored, base::Pulse& pulse) override {
    try {
      trees_.own();
      compose_.find(pulse);
      return engine_.despite_outage(pulse, [&] {
        return before.state == Before::State::nothing ? take_down(pulse) : bring_back(before, stored, pulse);
      });
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

  bool runs_with_variables() const noexcept override { return true; }

  std::vector<std::string> to_pull(const Release& release, base::Pulse& pulse) override {
    Args missing;
    compose_.find(pulse);
    for (const auto& image : containers_.read(ComposeTool::source_of(release), release.version, pulse).images()) {
      if (!images_.carries(release.version, image, pulse) && !engine_.has_image(image, pulse)) missing.push_back(image);
    }
    return missing;
  }
  std::vector<std::string> to_load(const Release& release, base::Pulse& pulse) override {
    return images_.lacking(release.version, pulse);
  }

  Observed observe(base::Pulse& pulse) override {
    const Containers now = containers_.services(pulse);
    Observed seen;
    seen.detail = "project " + project_ + ": " + describe(now);
    if (now.empty()) return seen;
    if (const auto identity = compose::identity_of(now)) {
      seen.version = version_named(identity->release);
    } else if (const auto tree = compose::tree_of(now, trees_.folder())) {
      seen.version = Trees::version_in(*tree);
    }
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
  compose::SiteInputs inputs_of(const Release& release) const {
    compose::SiteInputs site;
    if (release.env_file) site.env = base::read_file(*release.env_file, compose::kLargestFile);
    site.passed_variables = passed_variables_;
    return site;
  }

  /// What fails here has touched nothing.
  template <typename Act>
  static void untouched(Act act) {
    try {
      act();
    } catch (const StepError&) {
      throw;
    } catch (const Error& e) {
      if (e.kind() != Kind::artifact && e.kind() != Kind::child) throw;
      throw StepError(Left::untouched, e.what(), e.hint());
    }
  }

  std::map<std::string, std::string> carried(const std::string& version, const ComposeSource& source,
                                             base::Pulse& pulse) {
    return images_.of_services(version, containers_.read(source, version, pulse).stack(), pulse);
  }

  /// The images of what is put back. What ran goes up without them where the engine still has what ran, or a registry has it.
  bool brings_images_back(const std::string& version, const WayBack& way, base::Pulse& pulse) {
    try {
      images_.bring(version, pulse);
      return true;
    } catch (const Error& e) {
      const bool of_images = e.kind() == Kind::artifact || e.kind() == Kind::child;
      const bool of_database = e.kind() == Kind::database || e.kind() == Kind::connection_lost;
      if (!of_images && !(of_database && has_all(way, pulse))) throw;
      tools_.tell("the images of " + version + " could not be looked after: " + e.what());
      return false;
    }
  }

  bool has_all(const WayBack& way, base::Pulse& pulse) const {
    return std::all_of(way.images.begin(), way.images.end(),
                       [&](const auto& one) { return engine_.has_image(one.second, pulse); });
  }

  static std::string why(const exec::Outcome& outcome, const Containers& after) {
    const std::string failed = compose::failed_services(after);
    return compose::cause(outcome.err) + (failed.empty() ? "" : "; " + failed);
  }

  /// What any container of this engine mounts or was started from, what volumes of the project are a mount of, and what holds data.
  Places in_use(base::Pulse& pulse) const {
    Places places;
    for (const auto& name : trees_.with_data(pulse)) places.add(trees_.folder() + "/" + name);
    for (const auto& device : engine_.volume_devices(pulse)) places.add(device);
    for (const auto& container : engine_.containers(Engine::Of::everywhere, pulse)) {
      for (const auto& source : container.mounts) {
        if (!source.empty()) places.add(source);
      }
      const WayBack way = compose::way_back({container}, trees_.overrides());
      for (const auto& file : way.files) places.add(file);
    }
    return places;
  }

  /// While the engine does not say what is in use, everything is.
  Places in_use_or_all() const {
    base::NoPulse quiet;
    try {
      return in_use(quiet);
    } catch (const EngineAway&) {
      Places all;
      for (const auto& name : entries(trees_.folder())) all.add(trees_.folder() + "/" + name);
      return all;
    }
  }

  /// The tree of ours that it was brought up from; empty when that lies elsewhere.
  std::string tree_of(const WayBack& way) const {
    const auto name = way.files.empty() ? std::nullopt : trees_.name_at(way.files.front());
    return name ? trees_.folder() + "/" + *name : "";
  }

  static std::optional<std::string> version_named(const std::string& text) {
    if (!base::is_version(text)) return std::nullopt;
    return text;
  }

  /// Of our label; of an older wrktalk's release, and of one that somebody brought up by hand from our tree, as the tree's name says.
  std::optional<std::string> version_of(const WayBack& way) const {
    if (way.identity) return version_named(way.identity->release);
    if (way.files.empty() || !base::starts_with(way.files.front(), trees_.folder() + "/")) return std::nullopt;
    const auto name = trees_.name_at(way.files.front());
    return name ? Trees::version_in(*name) : std::nullopt;
  }

  /// Why what runs could not be brought back; empty when it can. A release of ours can be had from the database again.
  std::string what_hinders(const WayBack& way, const Containers& now, bool is_ours, base::Pulse& pulse) {
    if (way.files.empty()) return "its containers do not say which compose file they come from";
    const auto missing = compose::missing_file(way, true);
    if (missing && !is_ours) return "its file " + base::one_line(*missing) + " is not here";
    if (is_ours && (missing || compose::identity_of(now) || compose::are_of_one_source(now))) return {};
    compose_.find(pulse);
    ComposeSource source{way.files, way.working_dir, way.environment_files};
    source.all_profiles = true;
    const auto answer = compose_.config(source, pulse);
    if (!answer.good()) return "compose refuses its files: " + last_line(answer.err);
    const std::string unset = is_ours ? "" : compose::unset_variable(answer.err);
    if (!unset.empty()) return "its files need the variable " + unset + ", which was set by hand";
    const Stack stack = compose::Model(answer.out, compose_.prints_json()).stack();
    for (const auto& container : now) {
      if (std::any_of(stack.services.begin(), stack.services.end(),
                      [&](const auto& service) { return service.name == container.service; }))
        continue;
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
    compose::Project::Wish wish;
    wish.what = what;
    wish.identity = way.identity;
    wish.ran = &way;
    if (stored) wish.keep = stored->keep;
    // A compose that was killed has perhaps asked the engine to stop a container, and the engine will, although it still runs now.
    wish.how.recreate_all = !restored.words.empty() || !up_ended_by_itself_;
    wish.how.counts = way.counts;
    // Of what somebody else brought up, what ran: also where a profile was on.
    if (!before.version) wish.services = services_of(way);
    const ComposeSource source = source_to(way, before.version.has_value(), stored, pulse);
    if (before.version && brings_images_back(*before.version, way, pulse))
      wish.carried = carried(*before.version, source, pulse);
    const Containers there = containers_.without_half_made(containers_.services(pulse), task_, pulse);
    const auto brought = containers_.bring_up(source, wish, there, pulse);
    seen_ = brought.now;
    const auto& outcome = brought.outcome;
    if (!outcome.good()) {
      throw StepError(Left::not_put_back,
                      "compose up of " + what + " " + outcome.describe() + ": " + compose::cause(outcome.err),
                      hint_for(outcome.err), outcome.err);
    }
    containers_.rest(what, *seen_, pulse);
    restored.require_whole(what);
    const Args others = compose::other_images(way, *seen_);
    return {std::nullopt,
            "project " + project_ + ": " + what + " is up again" +
                (others.empty() ? "" : ", with another image than before in " + base::join(others, ", ")) +
                (restored.words.empty() ? "" : "; " + restored.words)};
  }

  static Args services_of(const WayBack& way) {
    Args names;
    for (const auto& [service, image] : way.images) names.push_back(service);
    return names;
  }

  /// Where it was brought up from before, when that is still here: running containers mount from there.
  ComposeSource source_to(const WayBack& way, bool is_ours, const std::optional<Release>& stored,
                          base::Pulse& pulse) const {
    const auto missing =
        way.files.empty() ? std::optional<std::string>("that was not noted") : compose::missing_file(way, !stored);
    if (!missing && !(is_ours && is_folder(tree_of(way)))) return {way.files, way.working_dir, way.environment_files};
    if (!missing) {
      Release release{"", tree_of(way), {}, {}};
      if (stored) release.env_file = stored->env_file;
      if (!stored && !way.environment_files.empty()) release.env_file = way.environment_files.front();
      return ComposeTool::source_of(release);
    }
    if (stored) {
      trees_.note_contents(stored->tree, pulse);
      return ComposeTool::source_of(*stored);
    }
    throw Error(Kind::failed, "what project " + project_ + " was brought up from is gone: " + *missing,
                "deploy the release that is to run again: wrktalk deploy VERSION");
  }

  /// What `down` does, for what the task brought up: a compose file is not needed, and may be gone.
  Applied take_down(base::Pulse& pulse) const {
    Containers made;
    std::string others;
    for (auto& container : engine_.containers(Engine::Of::all, pulse)) {
      if (container.identity || compose::tree_of(container, trees_.folder())) {
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
  Args passed_variables_;
  std::string task_;
  std::chrono::milliseconds timeout_;
  compose::Project containers_;
  compose::Images images_;
  std::optional<Containers> seen_;      ///< what was seen last: what apply finds, and what it leaves to health
  bool up_ended_by_itself_ = false;     ///< the compose of `apply`; false also when another agent's began it
  std::list<log::SecretScope> hidden_;  ///< of the releases that were looked at
};

}  // namespace

std::unique_ptr<Deployer> make_compose(const Target& target, const Settings& settings, const TaskTurn& turn,
                                       exec::Fence& fence, OnOutput on_output, ImageSource* images) {
  return std::make_unique<Compose>(target, settings, turn, fence, std::move(on_output), images);
}

}  // namespace wrktalk::deploy
