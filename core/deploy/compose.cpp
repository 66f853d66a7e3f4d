// SPDX-License-Identifier: Apache-2.0
#include "core/base/error.hpp"
#include "core/base/files.hpp"
#include "core/base/text.hpp"
#include "core/deploy/compose_paths.hpp"
#include "core/deploy/containers.hpp"
#include "core/deploy/folders.hpp"
#include "core/deploy/kinds.hpp"
#include "core/deploy/tools.hpp"
#include "core/log/log.hpp"

#include <algorithm>
#include <unistd.h>

namespace wrktalk::deploy {
namespace {

using base::Error;
using base::Kind;
using compose::Condition;
using compose::Containers;
using Args = std::vector<std::string>;
using Left = StepError::Left;

constexpr std::chrono::milliseconds kBetweenLooks{300};
constexpr std::chrono::seconds kGrace{30};
constexpr const char* kLogLines = "50";
constexpr const char* kProjectLabel = "label=com.docker.compose.project=";
// What would point compose to another file or project than the ones we name is left out.
const Args kEnvironment = {
    "DOCKER_*",     "COMPOSE_PROFILES",    "COMPOSE_PARALLEL_LIMIT",       "COMPOSE_HTTP_TIMEOUT",
    "COMPOSE_ANSI", "COMPOSE_TLS_VERSION", "COMPOSE_CONVERT_WINDOWS_PATHS"};
const Args kFileNames = {"compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"};

/// A service's `env_file: .env` finds the release's environment in its tree while compose reads it, and only then: a link, so
/// that no secret is left behind there however we end. (The archive gate lets no link in: one that is there was ours.)
class EnvLink {
 public:
  EnvLink(const std::string& folder, const std::optional<std::string>& env_file) : path_(folder + "/.env") {
    char goal = 0;
    if (::readlink(path_.c_str(), &goal, 1) > 0) ::unlink(path_.c_str());
    made_ = env_file && ::symlink(env_file->c_str(), path_.c_str()) == 0;
  }
  EnvLink(const EnvLink&) = delete;
  EnvLink& operator=(const EnvLink&) = delete;
  ~EnvLink() {
    if (made_) ::unlink(path_.c_str());
  }

 private:
  std::string path_;
  bool made_ = false;
};

std::string last_line(const std::string& text) {
  std::string last;
  for (const auto& line : base::split(text, '\n')) {
    if (!base::trim(line).empty()) last = base::one_line(line);
  }
  return log::redact(last);
}

std::string hint(const std::string& stderr_text) {
  if (stderr_text.find("Cannot connect to the Docker daemon") != std::string::npos ||
      stderr_text.find("permission denied while trying to connect") != std::string::npos) {
    return "check that the engine runs and that we may use its socket: docker version";
  }
  return {};
}

class Compose : public Deployer {
 public:
  Compose(const Target& target, const Settings& settings, exec::Fence& fence, OnOutput on_output)
      : tools_(environment(settings), fence, std::move(on_output)),
        project_(target.project),
        configured_(settings.compose_bin),
        releases_(settings.compose_working_dir + (project_ == settings.compose_project ? "" : "/projects/" + project_) +
                  "/releases"),
        timeout_(settings.compose_timeout) {}

  void preflight(base::Pulse& pulse) override {
    find_compose(pulse);
    const auto answer = tools_.look({"docker", "version", "--format", "{{.Server.Version}}"}, pulse);
    if (!answer.good()) {
      throw Error(Kind::child, "the Docker engine does not answer: " + last_line(answer.err), hint(answer.err));
    }
    make_safe_folder(releases_, 0755);
  }

  std::string home(const std::string& version) override {
    check_version(version);
    make_safe_folder(releases_, 0755);
    return releases_ + "/" + version;
  }

  void check(const Release& release, base::Pulse& pulse) override {
    const std::string file = file_of(release);
    compose::check_paths(release.tree, file);
    find_compose(pulse);
    const EnvLink link(file.substr(0, file.rfind('/')), release.env_file);
    const auto answer = tools_.look(command(file, release, {"config", "--quiet"}), pulse);
    if (!answer.good()) {
      throw Error(Kind::artifact, "compose refuses the release " + release.version + ": " + last_line(answer.err),
                  "try it by hand: docker compose -f " + file + " config");
    }
  }

  Applied apply(const Release& release, base::Pulse& pulse) override {
    find_compose(pulse);
    const Containers before = containers(pulse);
    const auto outcome = up(release, pulse);
    if (outcome.good()) return {std::nullopt, "project " + project_ + ": " + release.version + " is up"};
    const Containers after = containers(pulse);
    const bool same = fingerprint(before) == fingerprint(after);
    throw StepError(same ? Left::untouched : Left::dirty,
                    "compose up of " + release.version + " " + outcome.describe() + ": " + last_line(outcome.err),
                    hint(outcome.err), outcome.err + evidence(after, pulse));
  }

  void health(const Release& release, base::Pulse& pulse) override {
    const auto until = base::Deadline::in(timeout_);
    compose::Settling settling;
    for (;;) {
      const Containers now = containers(pulse);
      const Condition condition = settling.look(now, base::BootClock::now());
      if (condition == Condition::good) return;
      if (condition == Condition::broken || until.passed()) {
        const std::string why = condition == Condition::broken ? " does not run well: " : " did not come up in time: ";
        throw StepError(Left::dirty, release.version + why + describe(now),
                        "look at what the containers say: docker compose -p " + project_ + " logs",
                        describe(now) + "\n" + evidence(now, pulse));
      }
      base::pause(pulse, base::Deadline::in(kBetweenLooks));
    }
  }

  Applied put_back(const std::optional<Release>& before, std::optional<long>, base::Pulse& pulse) override {
    find_compose(pulse);
    if (!before) {
      take_down(pulse);
      return {std::nullopt, "nothing ran before: project " + project_ + " was taken down, its volumes are kept"};
    }
    try {
      const auto outcome = up(*before, pulse);
      if (outcome.good()) {
        health(*before, pulse);
        return {std::nullopt, "project " + project_ + ": " + before->version + " is up again"};
      }
      throw StepError(Left::not_put_back,
                      "compose up of " + before->version + " " + outcome.describe() + ": " + last_line(outcome.err),
                      hint(outcome.err), outcome.err);
    } catch (const StepError& e) {
      throw StepError(Left::not_put_back, e.what(), e.hint(), e.evidence());
    } catch (const Error& e) {
      if (e.kind() != Kind::artifact && e.kind() != Kind::child) throw;
      throw StepError(Left::not_put_back, e.what(), e.hint());
    }
  }

  std::vector<std::string> missing_images(const Release& release, base::Pulse& pulse) override {
    find_compose(pulse);
    Args missing;
    for (const auto& image : images(release, pulse)) {
      if (!tools_.look({"docker", "image", "inspect", "--format", "{{.Id}}", image}, pulse).good()) {
        missing.push_back(image);
      }
    }
    return missing;
  }

  std::optional<long> held_revision(const std::string&, std::optional<long>, base::Pulse&) override {
    return std::nullopt;
  }
  std::optional<std::string> version_at(long, base::Pulse&) override { return std::nullopt; }
  std::optional<Applied> roll_back_to(long, base::Pulse&) override { return std::nullopt; }

  Observed observe(base::Pulse& pulse) override {
    const Containers now = containers(pulse);
    Observed seen;
    seen.detail = "project " + project_ + ": " + describe(now);
    if (now.empty()) return seen;
    seen.version = version_of(now, releases_);
    const bool whole = std::all_of(now.begin(), now.end(),
                                   [](const auto& container) { return condition_of(container) == Condition::good; });
    seen.state = whole ? Observed::State::running : Observed::State::broken;
    return seen;
  }

  bool needs_tree_to_put_back() const override { return true; }

  /// Compose leaves nothing that hinders its next run.
  void recover(const Observed&, base::Pulse&) override {}

  void tidy(const std::vector<std::string>& keep) noexcept override { remove_others(releases_, keep); }

 private:
  static Args environment(const Settings& settings) {
    Args all = allowed_environment(kEnvironment, settings.passed_environment);
    // Includes from elsewhere are refused by check(); this holds even where it errs.
    all.insert(all.end(), {"COMPOSE_EXPERIMENTAL_GIT_REMOTE=false", "COMPOSE_EXPERIMENTAL_OCI_REMOTE=false"});
    return all;
  }

  /// The configured program, else the plugin, else the older one.
  void find_compose(base::Pulse& pulse) {
    if (!compose_.empty()) return;
    std::vector<Args> candidates = {{"docker", "compose"}, {"docker-compose"}};
    if (!configured_.empty()) {
      const bool is_docker = configured_ == "docker" || base::ends_with(configured_, "/docker");
      candidates = {is_docker ? Args{configured_, "compose"} : Args{configured_}};
    }
    std::string problem;
    for (const auto& candidate : candidates) {
      Args words = candidate;
      words.insert(words.end(), {"version", "--short"});
      try {
        const auto answer = tools_.look(words, pulse);
        if (answer.good()) {
          compose_ = candidate;
          return;
        }
        problem += (problem.empty() ? "" : "; ") + base::join(candidate, " ") + ": " + last_line(answer.err);
      } catch (const Error& e) {
        if (e.kind() != Kind::configuration) throw;
        problem += (problem.empty() ? "" : "; ") + std::string(e.what());
      }
    }
    throw Error(Kind::configuration, "compose is not there: " + problem,
                "install docker compose, or name it in WRKTALK_AGENT_COMPOSE_BIN");
  }

  std::string file_of(const Release& release) const { return find_in_tree(release.tree, kFileNames, "compose file"); }

  Args command(const std::string& file, const Release& release, const Args& words) const {
    Args args = compose_;
    args.insert(args.end(), {"-f", file, "-p", project_});
    if (release.env_file) args.insert(args.end(), {"--env-file", *release.env_file});
    args.insert(args.end(), words.begin(), words.end());
    return args;
  }

  /// From compose's normal form of the file, which both makes print alike.
  Args images(const Release& release, base::Pulse& pulse) const {
    const std::string file = file_of(release);
    const EnvLink link(file.substr(0, file.rfind('/')), release.env_file);
    const auto answer = tools_.look(command(file, release, {"config"}), pulse);
    return answer.good() ? compose::images_in(answer.out) : Args{};
  }

  /// Without --wait: its exit code is 1 for one-shots that ended well and 0 for crash loops, and 1.29 does nothing at all when
  /// it sees the flag. health() looks for itself.
  exec::Outcome up(const Release& release, base::Pulse& pulse) const {
    const std::string file = file_of(release);
    const EnvLink link(file.substr(0, file.rfind('/')), release.env_file);
    Tools::Act act;
    act.argv = command(file, release, {"up", "-d", "--remove-orphans"});
    // The tree may have been unpacked again since: what is mounted from the one before is no longer there.
    if (mounts_from(containers(pulse), release.tree)) act.argv.emplace_back("--force-recreate");
    act.timeout = timeout_;
    act.grace = kGrace;
    return tools_.act(act, pulse);
  }

  Args ids(const Args& words, base::Pulse& pulse) const {
    const auto answer = tools_.look(words, pulse);
    if (!answer.good()) {
      throw Error(Kind::child, base::join(words, " ") + " " + answer.describe() + ": " + last_line(answer.err),
                  hint(answer.err));
    }
    Args found;
    for (auto& id : base::split(answer.out, '\n')) {
      if (!id.empty()) found.push_back(std::move(id));
    }
    return found;
  }

  Containers containers(base::Pulse& pulse) const {
    for (int attempt = 0;; ++attempt) {
      const Args found = ids({"docker", "ps", "--all", "--quiet", "--no-trunc", "--filter", kProjectLabel + project_,
                              "--filter", "label=com.docker.compose.oneoff=False"},
                             pulse);
      if (found.empty()) return {};
      Args words = {"docker", "inspect", "--type", "container", "--format", compose::kInspectFormat};
      words.insert(words.end(), found.begin(), found.end());
      const auto answer = tools_.look(words, pulse);
      if (answer.good()) return compose::parse_containers(answer.out);
      // One of them may have gone since it was listed.
      if (attempt == 2) throw Error(Kind::child, "docker inspect " + answer.describe() + ": " + last_line(answer.err));
    }
  }

  std::string evidence(const Containers& now, base::Pulse& pulse) const {
    std::string text;
    for (const auto& container : now) {
      if (condition_of(container) == Condition::good) continue;
      const auto answer = tools_.look({"docker", "logs", "--tail", kLogLines, container.id}, pulse);
      text += "--- " + compose::describe(container) + "\n" + answer.out + answer.err;
    }
    return text;
  }

  /// What `down` does, by label: it needs no compose file, which may be gone.
  void take_down(base::Pulse& pulse) const {
    const Args all = ids({"docker", "ps", "--all", "--quiet", "--filter", kProjectLabel + project_}, pulse);
    if (!all.empty()) {
      each("stop", {"docker", "stop"}, all, pulse);
      each("rm", {"docker", "rm", "--force"}, all, pulse);
    }
    const Args networks = ids({"docker", "network", "ls", "--quiet", "--filter", kProjectLabel + project_}, pulse);
    if (!networks.empty()) each("network rm", {"docker", "network", "rm"}, networks, pulse);
  }

  void each(const char* what, Args words, const Args& which, base::Pulse& pulse) const {
    words.insert(words.end(), which.begin(), which.end());
    Tools::Act act;
    act.argv = std::move(words);
    act.timeout = timeout_;
    act.grace = kGrace;
    const auto outcome = tools_.act(act, pulse);
    if (outcome.good()) return;
    throw StepError(Left::not_put_back,
                    std::string("docker ") + what + " of project " + project_ + " " + outcome.describe() + ": " +
                        last_line(outcome.err),
                    hint(outcome.err), outcome.err);
  }

  Tools tools_;
  std::string project_;
  std::string configured_;
  std::string releases_;
  std::chrono::milliseconds timeout_;
  Args compose_;
};

}  // namespace

std::unique_ptr<Deployer> make_compose(const Target& target, const Settings& settings, exec::Fence& fence,
                                       OnOutput on_output) {
  return std::make_unique<Compose>(target, settings, fence, std::move(on_output));
}

}  // namespace wrktalk::deploy
