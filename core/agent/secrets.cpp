// SPDX-License-Identifier: Apache-2.0
#include "core/agent/secrets.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/base/trust.hpp"
#include "core/exec/fence.hpp"
#include "core/log/log.hpp"
#include "core/log/secret_values.hpp"

#include <cstdlib>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

namespace wrktalk::agent {
namespace {

constexpr const char* kSecretsPrefix = "wrktalk-task-";

}  // namespace

base::TempDir make_secrets_dir(const Settings& settings) {
  base::require_trusted(settings.secrets_dir, "the folder for secrets (WRKTALK_AGENT_SECRETS_DIR)");
  const auto self = exec::identify(::getpid());
  return base::TempDir(settings.secrets_dir,
                       kSecretsPrefix + std::to_string(self.pid) + "-" + std::to_string(self.start) + "-");
}

void sweep_secrets_dirs(const Settings& settings) noexcept {
  if (const auto found = base::distrust(settings.secrets_dir)) {
    log::warn("sweep", found->why + ", so nothing is removed from " + settings.secrets_dir + ": " + found->remedy);
    return;
  }
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(settings.secrets_dir, error)) {
    const std::string name = entry.path().filename().string();
    if (!base::starts_with(name, kSecretsPrefix)) continue;
    const auto parts = base::split(name.substr(std::string_view(kSecretsPrefix).size()), '-');
    struct stat info {};
    if (parts.size() != 3 || ::lstat(entry.path().c_str(), &info) != 0 || info.st_uid != ::geteuid()) continue;
    auto owner = exec::identify(::getpid());
    owner.pid = static_cast<pid_t>(std::strtol(parts[0].c_str(), nullptr, 10));
    owner.start = std::strtoull(parts[1].c_str(), nullptr, 10);
    if (exec::is_running_here(owner)) continue;
    log::info("sweep", "removing what a killed agent left: " + name);
    base::wipe_tree(entry.path().string());
  }
}

std::vector<base::Secret> secrets_of(db::raw::Connection& db, const std::string& artifact_id,
                                     const std::vector<std::string>& public_words, base::Pulse& pulse) {
  artifact::Texts texts;
  try {
    texts = artifact::texts_of(db, artifact_id, pulse);
  } catch (const base::Error& e) {
    // What is gone, or is too large to be deployed, hides nothing.
    if (e.kind() != base::Kind::failed && e.kind() != base::Kind::artifact) throw;
    return {};
  }
  auto all = log::values_of_env(texts.env.value_or(""));
  for (auto& value : log::values_of_yaml(texts.values.value_or(""))) all.push_back(std::move(value));
  return log::without_public(std::move(all), public_words);
}

deploy::Release release_with_secrets(db::raw::Connection& db, const artifact::Artifact& artifact,
                                     const std::string& tree, const base::TempDir& secrets, base::Pulse& pulse) {
  const std::string folder = secrets.path() + "/" + artifact.id;
  base::make_directories(folder, 0700);
  const auto keep = [&](const std::optional<std::string>& text, const char* name) -> std::optional<std::string> {
    if (!text) return std::nullopt;
    const std::string path = folder + "/" + name;
    if (!base::exists(path)) base::write_private_file(path, *text);
    return path;
  };
  deploy::Release release;
  release.version = artifact.version;
  release.tree = tree;
  const auto texts = artifact::texts_of(db, artifact.id, pulse);
  release.env_file = keep(texts.env, ".env");
  release.values_file = keep(texts.values, "values.yaml");
  return release;
}

}  // namespace wrktalk::agent
