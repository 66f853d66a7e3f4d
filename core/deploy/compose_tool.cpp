// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/compose_tool.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/deploy/compose_env.hpp"
#include "core/deploy/compose_files.hpp"
#include "core/deploy/engine.hpp"
#include "core/deploy/folders.hpp"

namespace wrktalk::deploy {
namespace {

using base::Error;
using base::Kind;

constexpr std::chrono::seconds kGrace{30};
// What would point compose to another file or project than the ones we name is left out.
const std::vector<std::string> kEnvironment = {
    "DOCKER_*",     "COMPOSE_PROFILES",    "COMPOSE_PARALLEL_LIMIT",       "COMPOSE_HTTP_TIMEOUT",
    "COMPOSE_ANSI", "COMPOSE_TLS_VERSION", "COMPOSE_CONVERT_WINDOWS_PATHS"};

std::string folder_of(const std::string& file) { return file.substr(0, file.rfind('/')); }

/// A source as compose is to read it, while it lives: with the variables of a release of ours where compose finds them.
struct Prepared {
  Prepared(const ComposeSource& asked, env::Dialect dialect) : source(asked) {
    if (!asked.links_environment) return;
    std::optional<std::string> file;
    if (!asked.environment_files.empty()) file = asked.environment_files.front();
    environment.emplace(folder_of(asked.files.front()), file, dialect);
    if (environment->file()) source.environment_files = {*environment->file()};
  }

  ComposeSource source;
  std::optional<compose::Environment> environment;
};

}  // namespace

ComposeTool::ComposeTool(const Tools& tools, const Settings& settings, std::string project)
    : tools_(tools),
      project_(std::move(project)),
      configured_(settings.compose_bin),
      timeout_(settings.compose_timeout) {}

void ComposeTool::find(base::Pulse& pulse) {
  if (!found_.empty()) return;
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
        found_ = candidate;
        prints_json_ = !base::starts_with(answer.out, "1.");
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

std::string ComposeTool::file_of(const Release& release) {
  return find_in_tree(release.tree, compose::file_names(), "compose file");
}

ComposeSource ComposeTool::source_of(const Release& release) {
  ComposeSource source;
  source.files = {file_of(release)};
  if (release.env_file) source.environment_files = {*release.env_file};
  source.links_environment = true;
  return source;
}

exec::Outcome ComposeTool::config(const ComposeSource& asked, base::Pulse& pulse) const {
  const Prepared prepared(asked, dialect());
  const ComposeSource& source = prepared.source;
  Args words;
  // 1.29 prints them all.
  if (source.all_profiles && prints_json_) words = {"--profile", "*"};
  words.emplace_back("config");
  if (prints_json_) words.insert(words.end(), {"--format", "json"});
  return tools_.look(command(source, words), pulse);
}

exec::Outcome ComposeTool::up(const ComposeSource& asked, const Up& up, base::Pulse& pulse) const {
  const Prepared prepared(asked, dialect());
  const ComposeSource& source = prepared.source;
  // Without --wait: its exit code is 1 for one-shots that ended well and 0 for crash loops, and 1.29 does nothing at all when
  // it sees the flag.
  Args words = {"up", "-d", "--remove-orphans"};
  if (up.build) words.emplace_back("--build");
  if (up.recreate_all) words.emplace_back("--force-recreate");
  for (const auto& [service, count] : up.counts) {
    if (count > 1) words.insert(words.end(), {"--scale", service + "=" + std::to_string(count)});
  }
  words.insert(words.end(), up.services.begin(), up.services.end());
  Tools::Act act;
  act.argv = command(source, words);
  act.timeout = timeout_;
  act.grace = kGrace;
  return tools_.act(act, pulse);
}

ComposeTool::Args ComposeTool::command(const ComposeSource& source, const Args& words) const {
  Args args = found_;
  for (const auto& file : source.files) args.insert(args.end(), {"-f", file});
  args.insert(args.end(), {"-p", project_});
  if (!source.directory.empty()) args.insert(args.end(), {"--project-directory", source.directory});
  for (const auto& file : source.environment_files) args.insert(args.end(), {"--env-file", file});
  args.insert(args.end(), words.begin(), words.end());
  return args;
}

std::vector<std::string> compose_variables(const Settings& settings) {
  auto names = kEnvironment;
  names.insert(names.end(), settings.passed_environment.begin(), settings.passed_environment.end());
  return names;
}

std::vector<std::string> compose_environment(const Settings& settings) {
  auto all = allowed_environment(kEnvironment, settings.passed_environment);
  // Includes from elsewhere are refused by check(); this holds even where it errs.
  all.insert(all.end(), {"COMPOSE_EXPERIMENTAL_GIT_REMOTE=false", "COMPOSE_EXPERIMENTAL_OCI_REMOTE=false"});
  return all;
}

}  // namespace wrktalk::deploy
