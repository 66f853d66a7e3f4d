// SPDX-License-Identifier: Apache-2.0
#include "core/base/error.hpp"
#include "core/base/files.hpp"
#include "core/base/text.hpp"
#include "core/deploy/folders.hpp"
#include "core/deploy/kinds.hpp"
#include "core/deploy/tools.hpp"

#include <cerrno>
#include <climits>
#include <fcntl.h>
#include <unistd.h>

namespace wrktalk::deploy {
namespace {

using base::Error;
using base::Kind;
using Left = StepError::Left;

constexpr std::chrono::seconds kGrace{10};
constexpr std::chrono::milliseconds kBetweenTries{500};
constexpr const char* kReleases = "releases";

/// ROOT/releases/VERSION, and ROOT/current that points to one of them.
class Host : public Deployer {
 public:
  Host(const Target& target, const Settings& settings, exec::Fence& fence, OnOutput on_output)
      : tools_(allowed_environment({}, settings.passed_environment), fence, std::move(on_output)),
        root_(root_of(target, settings)),
        activate_(settings.host_activate),
        health_(settings.host_health),
        timeout_(settings.host_timeout) {}

  void preflight(base::Pulse&) override {
    for (const auto& program : {activate_, health_}) {
      if (program.empty() || ::access(program.c_str(), X_OK) == 0) continue;
      base::throw_errno(Kind::configuration, "cannot run " + program,
                        "name one executable file, without arguments (wrktalk config show)");
    }
    make_safe_folder(releases(), 0755);
    if (::access(root_.c_str(), W_OK | X_OK) != 0) {
      base::throw_errno(Kind::configuration, "cannot write to " + root_, "check who owns it (WRKTALK_AGENT_HOST_ROOT)");
    }
  }

  std::string home(const std::string& version) override {
    check_version(version);
    make_safe_folder(releases(), 0755);
    return releases() + "/" + version;
  }

  void check(const Release& release, base::Pulse&) override {
    if (entries(release.tree).empty()) throw Error(Kind::artifact, "the release " + release.version + " is empty");
  }

  Applied apply(const Release& release, base::Pulse& pulse) override {
    try {
      point_to(release.version);
    } catch (const Error& e) {
      throw StepError(Left::untouched, e.what(), e.hint());
    }
    activate(release, Left::dirty, pulse);
    return {std::nullopt, link() + " -> " + release.tree};
  }

  void health(const Release& release, base::Pulse& pulse) override {
    if (health_.empty()) return;
    const auto until = base::Deadline::in(timeout_);
    for (;;) {
      const exec::Outcome outcome = run(health_, release, std::max(until.left(), kBetweenTries), pulse);
      if (outcome.good()) return;
      if (base::Deadline::in(kBetweenTries).when() >= until.when()) {
        throw StepError(Left::dirty, "the health command of " + release.version + " " + outcome.describe(),
                        "run it by hand: " + health_, outcome.out + outcome.err);
      }
      base::pause(pulse, base::Deadline::in(kBetweenTries));
    }
  }

  Applied put_back(const std::optional<Release>& before, std::optional<long>, base::Pulse& pulse) override {
    try {
      if (before && !is_folder(releases() + "/" + before->version)) {
        throw Error(Kind::failed, "the tree of " + before->version + " is not in " + releases());
      }
      before ? point_to(before->version) : unlink();
    } catch (const Error& e) {
      throw StepError(Left::not_put_back, e.what(), e.hint());
    }
    if (!before) return {std::nullopt, "nothing ran before: " + link() + " was removed"};
    activate(*before, Left::not_put_back, pulse);
    return {std::nullopt, link() + " -> " + releases() + "/" + before->version};
  }

  std::vector<std::string> missing_images(const Release&, base::Pulse&) override { return {}; }

  std::optional<long> held_revision(const std::string&, std::optional<long>, base::Pulse&) override {
    return std::nullopt;
  }
  std::optional<std::string> version_at(long, base::Pulse&) override { return std::nullopt; }
  std::optional<Applied> roll_back_to(long, base::Pulse&) override { return std::nullopt; }

  Observed observe(base::Pulse&) override {
    Observed seen;
    char goal[PATH_MAX];
    const ssize_t length = ::readlink(link().c_str(), goal, sizeof goal);
    if (length < 0) {
      seen.detail = link() + " does not exist";
      return seen;
    }
    const std::string path(goal, static_cast<std::size_t>(length));
    seen.version = path.substr(path.rfind('/') + 1);
    const bool whole = is_folder(releases() + "/" + *seen.version);
    seen.state = whole ? Observed::State::running : Observed::State::broken;
    seen.detail = link() + " -> " + base::one_line(path) + (whole ? "" : ", which does not exist");
    return seen;
  }

  bool needs_tree_to_put_back() const override { return true; }

  void recover(const Observed&, base::Pulse&) override { base::remove_tree(link() + kNewSuffix); }

  void tidy(const std::vector<std::string>& keep) noexcept override { remove_others(releases(), keep); }

 private:
  static constexpr const char* kNewSuffix = ".new";

  std::string releases() const { return root_ + "/" + kReleases; }
  std::string link() const { return root_ + "/current"; }

  void point_to(const std::string& version) const {
    const std::string fresh = link() + kNewSuffix;
    ::unlink(fresh.c_str());
    if (::symlink((std::string(kReleases) + "/" + version).c_str(), fresh.c_str()) != 0 ||
        ::rename(fresh.c_str(), link().c_str()) != 0) {
      base::throw_errno(Kind::failed, "cannot point " + link() + " to " + version, "check who may write to " + root_);
    }
    base::fsync_directory(root_);
  }

  void unlink() const {
    if (::unlink(link().c_str()) != 0 && errno != ENOENT) base::throw_errno(Kind::failed, "cannot remove " + link());
    base::fsync_directory(root_);
  }

  void activate(const Release& release, Left when_failed, base::Pulse& pulse) const {
    if (activate_.empty()) return;
    const exec::Outcome outcome = run(activate_, release, timeout_, pulse);
    if (outcome.good()) return;
    throw StepError(when_failed, "the activate command of " + release.version + " " + outcome.describe(),
                    "run it by hand in " + release.tree + ": " + activate_, outcome.out + outcome.err);
  }

  exec::Outcome run(const std::string& program, const Release& release, std::chrono::milliseconds timeout,
                    base::Pulse& pulse) const {
    Tools::Act act;
    act.argv = {program};
    act.directory = release.tree;
    act.timeout = timeout;
    act.grace = kGrace;
    act.more_environment = {"WRKTALK_VERSION=" + release.version, "WRKTALK_RELEASE_DIR=" + release.tree};
    return tools_.act(act, pulse);
  }

  Tools tools_;
  std::string root_;
  std::string activate_;
  std::string health_;
  std::chrono::milliseconds timeout_;
};

}  // namespace

std::string root_of(const Target& target, const Settings& settings) {
  return target.instance.empty() ? settings.host_root : settings.host_root + "/" + target.instance;
}

std::unique_ptr<Deployer> make_host(const Target& target, const Settings& settings, exec::Fence& fence,
                                    OnOutput on_output) {
  return std::make_unique<Host>(target, settings, fence, std::move(on_output));
}

}  // namespace wrktalk::deploy
