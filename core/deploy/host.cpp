// SPDX-License-Identifier: Apache-2.0
#include "core/base/error.hpp"
#include "core/base/files.hpp"
#include "core/base/text.hpp"
#include "core/base/trust.hpp"
#include "core/deploy/env_file.hpp"
#include "core/deploy/folders.hpp"
#include "core/deploy/host_health.hpp"
#include "core/deploy/kept_data.hpp"
#include "core/deploy/kinds.hpp"
#include "core/deploy/tools.hpp"
#include "core/deploy/trees.hpp"
#include "core/log/log.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <climits>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

namespace wrktalk::deploy {
namespace {

using base::Error;
using base::Kind;
using nlohmann::json;
using Left = StepError::Left;

constexpr std::chrono::seconds kGrace{10};
constexpr const char* kNewSuffix = ".new";
constexpr std::size_t kLargestEnvFile = 8'000'000;
constexpr const char* kEnvFile = "the env file";

bool leads_to_folder(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

std::string last_part(const std::string& path) {
  const auto plain = std::filesystem::path(path + "/").lexically_normal();
  return plain.parent_path().filename().string();
}

/// What `before` notes in `Before::way_back`.
struct WayBack {
  std::optional<std::string> link;  ///< the text of ROOT/current
  bool led_nowhere = false;         ///< there was no folder behind it
};

std::string to_json(const WayBack& way) { return json{{"link", *way.link}, {"led_nowhere", way.led_nowhere}}.dump(); }

WayBack read_way_back(const Before& before) {
  const json object = json::parse(before.way_back, nullptr, false);
  WayBack way;
  if (!object.is_object() || !object.contains("link") || !object["link"].is_string()) return way;
  way.link = object["link"].get<std::string>();
  way.led_nowhere = object.value("led_nowhere", json()) == true;
  return way;
}

/// ROOT/releases/VERSION, and ROOT/current that points to one of them, or to what somebody else made.
class Host : public Deployer {
 public:
  Host(const Target& target, const Settings& settings, const TaskTurn& turn, exec::Fence& fence, OnOutput on_output)
      : tools_(allowed_environment({}, settings.passed_environment), fence, std::move(on_output)),
        root_(root_of(target, settings)),
        trees_(root_, Trees::Owner::one_target, target.name, turn),
        activate_(settings.host_activate),
        health_(settings.host_health),
        timeout_(settings.host_timeout),
        health_timeout_(settings.host_health_timeout) {}

  void check_access(base::Pulse&) override {
    for (const auto& program : {activate_, health_}) {
      base::require_trusted_program(program);
      if (program.empty() || ::access(program.c_str(), X_OK) == 0) continue;
      base::throw_errno(Kind::configuration, "cannot run " + program,
                        "name one executable file, without arguments (wrktalk config show)");
    }
    if (base::exists(link()) && !link_text()) {
      throw Error(
          Kind::configuration, link() + " is not a link",
          "move what it is into " + trees_.folder() + " under a name of its own, and make current a link to it");
    }
  }

  void preflight(base::Pulse& pulse) override {
    check_access(pulse);
    trees_.own_soon(pulse);
    if (::access(root_.c_str(), W_OK | X_OK) != 0) {
      base::throw_errno(Kind::configuration, "cannot write to " + root_, "check who owns it (WRKTALK_AGENT_HOST_ROOT)");
    }
  }

  std::string home(const std::string& version) override {
    trees_.own();
    return trees_.home(version, in_use());
  }

  std::string home_beside(const std::string& version, const Before& before) override {
    trees_.own();
    Places places = in_use();
    if (const WayBack way = read_way_back(before); way.link) places.add(behind(*way.link));
    return trees_.home(version, places);
  }

  std::vector<std::string> check(const Release& release, base::Pulse& pulse) override {
    if (entries(release.tree).empty()) throw Error(Kind::artifact, "the release " + release.version + " is empty");
    kept_.link_into(release.tree, release.keep);
    trees_.note_contents(release.tree, pulse);
    return unseen_variables(release);
  }

  /// A link that leads nowhere is `running` too: it can be restored exactly as it was.
  Before before(base::Pulse& pulse) override {
    const Observed seen = observe(pulse);
    Before before;
    before.detail = seen.detail;
    if (seen.state == Observed::State::absent) before.state = Before::State::nothing;
    const auto text = link_text();
    if (!text || base::scrub_utf8(*text) != *text) return before;
    before.state = Before::State::running;
    before.version = seen.version;
    before.way_back = to_json(WayBack{text, !leads_to_folder(behind(*text))});
    return before;
  }

  Applied apply(const Release& release, base::Pulse& pulse) override {
    std::string words;
    try {
      trees_.own();
      words = provide_data(release, pulse);
      point_to(text_for(release.tree));
    } catch (const Error& e) {
      if (e.kind() != Kind::failed && e.kind() != Kind::configuration && e.kind() != Kind::busy) throw;
      throw StepError(Left::untouched, e.what(), e.hint());
    }
    activate(release, Left::dirty, pulse);
    return {std::nullopt, link() + " -> " + release.tree + (words.empty() ? "" : "; " + words)};
  }

  /// Whoever took the task over after its apply did not fetch the release: its tree is what runs.
  bool runs_programs() const noexcept override { return !activate_.empty() || !health_.empty(); }
  void give_variables_of_before(const std::optional<std::string>& env_file) override { env_of_before_ = env_file; }

  void health(const Release& applied, base::Pulse& pulse) override {
    if (health_.empty()) return;
    Release release = applied;
    if (release.tree.empty()) release.tree = behind(link_text().value_or(""));
    const auto limit = std::min(health_timeout_, timeout_);
    const auto failed = await_health(
        [&](std::chrono::milliseconds left, bool is_told) { return run(health_, release, left, is_told, pulse); },
        limit, [&](const std::string& words) { tools_.tell("health: " + words); }, pulse);
    if (!failed) return;
    throw StepError(Left::dirty,
                    "the health command of " + release.version + " did not succeed within " +
                        base::human_duration(limit) + ": the last try " + failed->describe(),
                    "run it by hand: " + health_ + "; WRKTALK_AGENT_HOST_HEALTH_TIMEOUT gives it more time",
                    failed->out + failed->err);
  }

  Applied put_back(const Before& before, const std::optional<Release>& stored, base::Pulse& pulse) override {
    try {
      trees_.own();
      return before.state == Before::State::nothing ? remove_link_of_task() : point_back(before, stored, pulse);
    } catch (const StepError& e) {
      throw StepError(Left::not_put_back, e.what(), e.hint(), e.evidence());
    } catch (const Error& e) {
      if (e.kind() != Kind::failed && e.kind() != Kind::busy && e.kind() != Kind::configuration) throw;
      throw StepError(Left::not_put_back, e.what(), e.hint());
    }
  }

  Observed observe(base::Pulse&) override {
    Observed seen;
    if (!base::exists(link())) {
      seen.detail = link() + " does not exist";
      return seen;
    }
    const auto text = link_text();
    if (!text) {
      seen.state = Observed::State::broken;
      seen.detail = link() + " is not a link";
      return seen;
    }
    const bool whole = leads_to_folder(behind(*text));
    if (const auto name = trees_.name_at(behind(*text))) seen.version = Trees::version_in(*name);
    seen.state = whole ? Observed::State::running : Observed::State::broken;
    seen.detail = link() + " -> " + base::one_line(*text) + (whole ? "" : ", which does not exist");
    return seen;
  }

  bool needs_tree_to_put_back(const Before& before, base::Pulse& pulse) override {
    if (before.state != Before::State::running) return false;
    const WayBack way = read_way_back(before);
    return !way.link || !leads_to_folder(behind(*way.link)) || !trees_.changed(behind(*way.link), pulse).empty();
  }

  void recover(const Observed&, base::Pulse&) override {
    trees_.own();
    ::unlink((link() + kNewSuffix).c_str());
  }

  void tidy(const std::vector<std::string>& keep, base::Pulse& pulse) noexcept override {
    try {
      trees_.own();
      trees_.tidy(keep, in_use(), pulse);
    } catch (...) {
      // ROOT is somebody else's now, or the pulse ended it: what is left is removed the next time.
    }
  }

 private:
  std::string link() const { return root_ + "/current"; }

  /// Nothing when there is no link.
  std::optional<std::string> link_text() const {
    std::array<char, PATH_MAX> text{};
    const ssize_t length = ::readlink(link().c_str(), text.data(), text.size());
    if (length < 0) return std::nullopt;
    return std::string(text.data(), static_cast<std::size_t>(length));
  }

  /// Where a link of this text leads to.
  std::string behind(const std::string& text) const { return base::starts_with(text, "/") ? text : root_ + "/" + text; }

  std::string text_for(const std::string& tree) const {
    return base::starts_with(tree, trees_.folder() + "/") ? tree.substr(root_.size() + 1) : tree;
  }

  /// What runs goes on with its data, whatever becomes of this.
  std::string provide_data(const Release& release, base::Pulse& pulse) {
    const auto text = link_text();
    const auto running = text ? std::optional<std::string>(behind(*text)) : std::nullopt;
    try {
      return kept_.provide(release.tree, release.keep, running, pulse);
    } catch (const Error&) {
      if (running) kept_.mend(*running);
      throw;
    }
  }

  Places in_use() const {
    Places places;
    for (const auto& place : kept_.places()) places.add(place);
    if (const auto text = link_text()) places.add(behind(*text));
    return places;
  }

  void point_to(const std::string& text) {
    const std::string fresh = link() + kNewSuffix;
    ::unlink(fresh.c_str());
    trees_.own();  // once more: the moment before may have lasted
    if (::symlink(text.c_str(), fresh.c_str()) != 0 || ::rename(fresh.c_str(), link().c_str()) != 0) {
      base::throw_errno(Kind::failed, "cannot point " + link() + " to " + text, "check who may write to " + root_);
    }
    base::fsync_directory(root_);
  }

  Applied remove_link_of_task() const {
    if (!base::exists(link())) return {std::nullopt, "nothing ran before, and " + link() + " does not exist"};
    const auto text = link_text();
    const auto name = text ? trees_.name_at(behind(*text)) : std::nullopt;
    if (!name || !trees_.made_by_task(*name)) {
      throw Error(Kind::failed, link() + " does not lead to a tree of this task: it is left as it is",
                  "look at what it is, and remove it when nothing is to run here");
    }
    if (::unlink(link().c_str()) != 0) base::throw_errno(Kind::failed, "cannot remove " + link());
    base::fsync_directory(root_);
    return {std::nullopt, "nothing ran before: " + link() + " was removed"};
  }

  Applied point_back(const Before& before, const std::optional<Release>& stored, base::Pulse& pulse) {
    const WayBack way = read_way_back(before);
    const bool is_there = way.link && leads_to_folder(behind(*way.link));
    if (!is_there && !stored) {
      if (!way.led_nowhere) {
        throw Error(Kind::failed, "what " + link() + " pointed to is gone: " + way.link.value_or("it was not noted"),
                    "deploy the release that is to run again: wrktalk deploy VERSION");
      }
      point_to(*way.link);
      return {std::nullopt, link() + " -> " + *way.link + ", which does not exist, as before"};
    }
    Release back = stored.value_or(Release{});
    if (!stored) back.env_file = env_of_before_;
    Trees::Restored restored;
    if (stored) kept_.link_into(stored->tree, stored->keep);
    if (is_there) {
      back.tree = behind(*way.link);
      kept_.mend(back.tree);
      restored =
          trees_.restore_contents(back.tree, stored ? std::optional<std::string>(stored->tree) : std::nullopt, pulse);
      back.version = before.version.value_or(last_part(back.tree));
    }
    if (!is_there) trees_.note_contents(back.tree, pulse);
    const std::string text = is_there ? *way.link : text_for(back.tree);
    point_to(text);
    activate(back, Left::not_put_back, pulse);
    health(back, pulse);
    restored.require_whole(back.version);
    return {std::nullopt, link() + " -> " + text + (restored.words.empty() ? "" : "; " + restored.words)};
  }

  void activate(const Release& release, Left when_failed, base::Pulse& pulse) const {
    if (activate_.empty()) return;
    const exec::Outcome outcome = run(activate_, release, timeout_, true, pulse);
    if (outcome.good()) return;
    throw StepError(when_failed, "the activate command of " + release.version + " " + outcome.describe(),
                    "run it by hand in " + release.tree + ": " + activate_, outcome.out + outcome.err);
  }

  exec::Outcome run(const std::string& program, const Release& release, std::chrono::milliseconds timeout, bool is_told,
                    base::Pulse& pulse) const {
    Tools::Act act;
    act.argv = {program};
    act.directory = release.tree;
    act.timeout = timeout;
    act.grace = kGrace;
    act.is_told = is_told;
    act.more_environment = variables_of(release);
    act.more_environment.push_back("WRKTALK_VERSION=" + release.version);
    act.more_environment.push_back("WRKTALK_RELEASE_DIR=" + release.tree);
    return tools_.act(act, pulse);
  }

  enum class Unreadable { empty, thrown };

  /// Host releases were stored with whatever file before it was of any use.
  static env::File read_env(const Release& release, Unreadable unreadable = Unreadable::empty) {
    if (!release.env_file) return {};
    const std::string text = base::read_file(*release.env_file, kLargestEnvFile);
    try {
      return env::read(text, kEnvFile);
    } catch (const Error& e) {
      if (e.kind() != Kind::artifact || unreadable == Unreadable::thrown) throw;
      return {};
    }
  }

  /// Of the release's env file, but for those that decide how the site's own programs are found and started.
  static std::vector<std::string> variables_of(const Release& release) {
    std::vector<std::string> out;
    const auto file = read_env(release);
    for (const auto& variable : file.variables) {
      if (file.find(variable.name) == &variable && !env::is_of_the_machine(variable.name))
        out.push_back(variable.name + "=" + variable.value);
    }
    return out;
  }

  /// What its programs will not see of the release's env file, which was no part of their environment before.
  static std::vector<std::string> unseen_variables(const Release& release) {
    std::vector<std::string> out;
    try {
      for (const auto& variable : read_env(release, Unreadable::thrown).variables) {
        if (!env::is_of_the_machine(variable.name)) continue;
        out.push_back(variable.name +
                      " of the env file is not given to the programs: it changes how programs are found and started");
      }
    } catch (const Error& e) {
      if (e.kind() != Kind::artifact) throw;
      out.push_back(std::string("the env file is not given to the programs: ") + e.what());
    }
    return out;
  }

  Tools tools_;
  std::string root_;
  Trees trees_;
  std::optional<std::string> env_of_before_;
  KeptData kept_{trees_, root_};
  std::string activate_;
  std::string health_;
  std::chrono::milliseconds timeout_;
  std::chrono::milliseconds health_timeout_;
};

}  // namespace

std::string root_of(const Target& target, const Settings& settings) {
  return target.instance.empty() ? settings.host_root : settings.host_root + "/" + target.instance;
}

void own_root(const Target& target, const Settings& settings) {
  if (target.kind != TargetKind::host) return;
  Trees trees(root_of(target, settings), Trees::Owner::one_target, target.name, {"none"});
  try {
    trees.own();
  } catch (const Error& e) {
    trees.check_owner();
    if (e.kind() == Kind::configuration) log::warn("deploy.root", e.what(), {{"hint", e.hint()}});
  }
}

std::unique_ptr<Deployer> make_host(const Target& target, const Settings& settings, const TaskTurn& turn,
                                    exec::Fence& fence, OnOutput on_output, ImageSource* /*images*/) {
  return std::make_unique<Host>(target, settings, turn, fence, std::move(on_output));
}

}  // namespace wrktalk::deploy
