// SPDX-License-Identifier: Apache-2.0
#include "core/backup/folder.hpp"
#include "core/backup/tools.hpp"
#include "core/base/error.hpp"
#include "core/base/files.hpp"
#include "core/base/text.hpp"
#include "core/deploy/kinds.hpp"
#include "core/doctor/check.hpp"
#include "core/doctor/programs.hpp"
#include "core/migrate/runner.hpp"

#include <algorithm>
#include <ctime>
#include <linux/magic.h>
#include <set>
#include <sys/statfs.h>

namespace wrktalk::doctor {
namespace {

using base::Deadline;

constexpr std::uint64_t kTooLittle = 100'000'000;
constexpr std::uint64_t kLittle = 1'000'000'000;
constexpr std::chrono::hours kFreshBackup{26};  ///< made daily, with two hours of patience

std::vector<deploy::Target> targets(const Look& look) {
  return agent::ready(look.site().agent, look.site().database, look.site().checkpoint_database).targets;
}

bool serves(const Look& look, deploy::TargetKind kind) {
  const auto all = targets(look);
  return std::any_of(all.begin(), all.end(), [&](const auto& target) { return target.kind == kind; });
}

/// A program that a kind of target cannot do without.
void need(const Look& look, const std::string& name, const std::vector<std::string>& argv, const std::string& hint) {
  const auto answer = ask(argv, look);
  if (is_good(answer))
    look.good(name + " " + first_line(answer));
  else
    look.fail(name + " does not answer: " + why(answer), hint);
}

void want(const Look& look, const std::string& name, const std::vector<std::string>& argv, const std::string& without) {
  const auto answer = ask(argv, look);
  if (is_good(answer))
    look.good(name + " " + first_line(answer));
  else
    look.note(name + " does not answer: " + why(answer), without);
}

void look_at_compose(const Look& look) {
  const auto& bin = look.site().agent.deploy.compose_bin;
  if (!bin.empty())
    return need(look, bin, {bin, "version", "--short"}, "set WRKTALK_AGENT_COMPOSE_BIN to compose's program");
  const auto plugin = ask({"docker", "compose", "version", "--short"}, look);
  if (is_good(plugin)) return look.good("docker compose " + first_line(plugin));
  need(look, "docker-compose", {"docker-compose", "version", "--short"},
       "install docker compose: Debian's package docker-compose");
}

void look_at_space(const Look& look, const std::string& what, std::string folder) {
  while (!base::exists(folder) && folder.size() > 1) folder.resize(std::max<std::size_t>(folder.rfind('/'), 1));
  struct statfs info {};
  if (::statfs(folder.c_str(), &info) != 0) return look.fail("cannot look at " + folder + ", for " + what);
  const std::uint64_t free_bytes = static_cast<std::uint64_t>(info.f_bavail) * static_cast<std::uint64_t>(info.f_bsize);
  const std::string text = base::human_size(free_bytes) + " are free in " + folder + ", for " + what;
  if (free_bytes < kTooLittle)
    return look.fail(text, "make room: a release that does not fit is refused, or fails half-way");
  if (free_bytes < kLittle) return look.warn(text, "make room before the next release");
  look.good(text);
}

void look_at_secrets_dir(const Look& look) {
  const auto& folder = look.site().agent.secrets_dir;
  struct statfs info {};
  if (::statfs(folder.c_str(), &info) != 0) {
    return look.fail("the folder for env and values files, " + folder + ", is not there",
                     "make it, 0700, or unset WRKTALK_AGENT_SECRETS_DIR");
  }
  if (info.f_type == TMPFS_MAGIC || info.f_type == RAMFS_MAGIC) {
    return look.good("env and values files lie in memory while a task runs: " + folder);
  }
  look.warn("env and values files lie on a disk while a task runs: " + folder,
            "name a tmpfs by WRKTALK_AGENT_SECRETS_DIR, in Kubernetes an emptyDir with medium: Memory");
}

}  // namespace

void check_settings(const Look& look) {
  for (const auto& remark : look.site().remarks) look.warn(remark);
  std::vector<std::string> names;
  for (const auto& target : targets(look)) names.push_back(target.name);
  look.good("agent " + look.site().agent.agent_id + " serves " + base::join(names, ", "));
}

void check_tools(const Look& look) {
  const auto& settings = look.site().agent.deploy;
  for (const auto& target : targets(look)) {
    for (const auto& missing : deploy::missing_prerequisites(target, settings)) look.fail(missing);
  }
  if (serves(look, deploy::TargetKind::kubernetes)) {
    need(look, "helm", {settings.helm_bin, "version", "--short"}, "install Helm 3 or 4, or set WRKTALK_AGENT_HELM_BIN");
    want(look, "kubectl", {settings.kubectl_bin, "version", "--client"}, "without it nobody looks at what runs");
  }
  if (serves(look, deploy::TargetKind::docker)) {
    need(look, "docker's client", {"docker", "version", "--format", "{{.Client.Version}}"},
         "start the engine, or set DOCKER_HOST");
    look_at_compose(look);
  }
  auto connection =
      migrate::connect(look.site().checkpoint_database, Deadline::in(std::chrono::seconds(5)), look.pulse());
  try {
    look.good("pg_dump " + backup::Tools().check_pg_dump(connection, look.pulse()) + ", for backups");
  } catch (const base::Error& e) {
    look.note(std::string("no backups can be made here: ") + e.what(), e.hint());
  }
}

void check_disk(const Look& look) {
  const auto& settings = look.site().agent.deploy;
  std::set<std::string> seen;
  for (const auto& target : targets(look)) {
    const std::string folder = target.kind == deploy::TargetKind::host     ? deploy::root_of(target, settings)
                               : target.kind == deploy::TargetKind::docker ? settings.compose_working_dir
                                                                           : base::temporary_parent();
    if (seen.insert(folder).second) look_at_space(look, target.name, folder);
  }
  look_at_secrets_dir(look);
}

void check_backups(const Look& look) {
  const auto& folder = look.site().backup_dir;
  if (folder.empty()) return;
  const auto newest = backup::newest(folder);
  if (!newest) return look.fail("there is no backup in " + folder, "wrktalk backup create --dir " + folder);
  const std::chrono::seconds age(std::time(nullptr) - newest->made_at);
  const std::string text = "the newest backup, " + newest->file + ", is " + base::human_duration(age) + " old";
  if (age > kFreshBackup) return look.warn(text, "see why the timer or CronJob made none since");
  look.good(text);
}

}  // namespace wrktalk::doctor
