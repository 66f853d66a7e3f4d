// SPDX-License-Identifier: Apache-2.0
#include "core/agent/site.hpp"

#include "core/base/error.hpp"
#include "core/base/files.hpp"
#include "core/base/sha256.hpp"
#include "core/base/text.hpp"
#include "core/base/trust.hpp"
#include "core/deploy/env_file.hpp"
#include "core/deploy/folders.hpp"
#include "core/deploy/kinds.hpp"
#include "core/log/secret_values.hpp"
#include "core/site/values.hpp"
#include "core/yaml/document.hpp"

#include <algorithm>
#include <sys/stat.h>

namespace wrktalk::agent {
namespace {

using base::Error;
using base::Kind;
using deploy::TargetKind;

constexpr std::size_t kLargestFile = site::kLargestInAll;
constexpr const char* kReleaseEnv = "the release's env file";

/// The next one as it would be used, whatever is wrong with the site's.
template <typename Act>
auto of_release(Act act) {
  try {
    return act();
  } catch (const Error& e) {
    if (e.kind() != Kind::artifact) throw;
    throw Error(Kind::artifact, std::string("what the site sets cannot be put over it: ") + e.what(),
                "store the release again with an env file that `release add` takes");
  }
}

void need_expressible(const std::string& name, const std::string& value) {
  const std::string why = deploy::env::obstacle(value);
  if (why.empty()) return;
  throw Error(Kind::configuration, "the site's " + name + ": what its reference leads to " + why,
              "change what lies there");
}

bool has_references(const std::string& text, const std::string& name) {
  bool found = false;
  for (const auto& document : yaml::read(text, name, {kLargestFile, 200'000}))
    site::each_text(document.root(), [&](const std::string& one) { found = found || site::has_references(one); });
  return found;
}

bool may_refer(const std::string& text) {
  return text.find("vault:") != std::string::npos || text.find("${file:") != std::string::npos;
}

std::string written(const std::string& path, const std::string& text) {
  base::wipe_tree(path);
  base::write_private_file(path, text);
  return path;
}

}  // namespace

Site::Site(const Settings& settings, const deploy::Target& target, std::vector<std::string> public_words)
    : settings_(settings), target_(target), public_words_(std::move(public_words)) {}

const std::string& Site::path() const {
  return site::takes_values(target_.kind) ? settings_.site_values_file : settings_.site_env_file;
}

const char* Site::setting() const {
  return site::takes_values(target_.kind) ? "WRKTALK_AGENT_VALUES" : "WRKTALK_AGENT_ENV_FILE";
}

std::string Site::read_file_of_site() {
  base::require_trusted(path(), std::string("the site's file (") + setting() + ")");
  try {
    return base::read_file(path(), kLargestFile);
  } catch (const Error& e) {
    throw Error(Kind::configuration, std::string("the site's file cannot be read: ") + e.what(),
                std::string("check what ") + setting() + " names");
  }
}

Site::Now Site::now(db::Session& db) { return now_with(site::newest_revision(db, target_.name)); }

Site::Now Site::now_with(int newest_revision) {
  Now now;
  if (newest_revision > 0) now.use.revision = newest_revision;
  if (path().empty()) return now;
  try {
    now.use.file_sha256 = base::sha256_hex(read_file_of_site());
  } catch (const Error& e) {
    if (e.kind() != Kind::configuration) throw;
    now.is_certain = false;
  }
  return now;
}

bool Site::is_same(db::Session& db, const site::Use& then, const site::Use& now) {
  if (then.revision != now.revision || then.file_sha256 != now.file_sha256) return false;
  if (now.revision) {
    const auto settings = site::settings_at(db, target_.name, *now.revision);
    if (!settings) return false;
    if (may_refer(site::to_values_file(*settings))) return false;
  }
  return !now.file_sha256 || !may_refer(read_file_of_site());
}

/// Beside the releases, where such a folder is this target's alone.
std::string Site::kept_folder() const {
  const auto& deploy = settings_.deploy;
  switch (target_.kind) {
    case TargetKind::host: return deploy::root_of(target_, deploy) + "/.site";
    case TargetKind::docker:
      return deploy.compose_working_dir +
             (target_.project == deploy.compose_project ? "" : "/projects/" + target_.project) + "/.site";
    case TargetKind::kubernetes: break;
  }
  return {};
}

std::optional<std::string> Site::kept_file(const std::string& sha256) {
  if (kept_folder().empty()) return std::nullopt;
  const std::string path = kept_folder() + "/" + sha256;
  if (!base::exists(path) || base::distrust(path)) return std::nullopt;
  auto text = base::read_file_if_exists(path, kLargestFile);
  if (text && base::sha256_hex(*text) != sha256) text.reset();
  return text;
}

void Site::keep_file(const site::Use& use, const std::vector<site::Use>& others) {
  const std::string folder = kept_folder();
  if (folder.empty() || (!use.file_sha256 && !base::exists(folder))) return;
  try {
    deploy::make_safe_folder(folder, 0700);
    for (const auto& name : deploy::entries(folder)) {
      const bool is_used =
          std::any_of(others.begin(), others.end(), [&](const auto& one) { return one.file_sha256 == name; });
      if (!is_used && use.file_sha256 != name) base::wipe_tree(folder + "/" + name);
    }
    if (!use.file_sha256 || kept_file(*use.file_sha256)) return;
    base::write_file(folder + "/" + *use.file_sha256, read_file_of_site(), 0600);
  } catch (const Error& e) {
    log::warn("site.not_kept", std::string("the site's file as it is used is not kept: ") + e.what(),
              {{"hint", e.hint()}});
  }
}

std::optional<std::string> Site::file_as_used(const std::string& sha256, std::vector<std::string>& remarks) {
  std::optional<std::string> now;
  if (!path().empty()) now = read_file_of_site();
  if (now && base::sha256_hex(*now) == sha256) return now;
  if (auto kept = kept_file(sha256)) {
    remarks.push_back("the site's file has changed since: it is used as it was then");
    return kept;
  }
  remarks.push_back(now ? "the site's file " + path() + " has changed since: it is used as it is now"
                        : std::string("the site's file that was used then is not there any more (") + setting() + ")");
  return now;
}

Site::Layers Site::layers(const site::Use& use, db::Session& db) {
  Layers out;
  if (use.revision) {
    auto settings = site::settings_at(db, target_.name, *use.revision);
    if (!settings) {
      const int newest = site::newest_revision(db, target_.name);
      out.remarks.push_back("revision " + std::to_string(*use.revision) +
                            " of the site's settings is not kept any more: " + std::to_string(newest) + " is used");
      settings = site::settings_at(db, target_.name, newest);
    }
    out.stored = settings.value_or(site::Settings{});
  }
  if (use.file_sha256) out.file = file_as_used(*use.file_sha256, out.remarks);
  return out;
}

/// Stored settings with those of the file over them, which count as secrets.
site::Settings Site::all_of(const Layers& layers) const {
  if (!layers.file) return layers.stored;
  const std::string name = path().empty() ? "the site's file" : path();
  auto over = site::takes_values(target_.kind) ? site::from_values_file(*layers.file, name)
                                               : site::from_env_file(*layers.file, name, target_.kind);
  for (auto& one : over) one.is_secret = true;
  return site::merged(layers.stored, over);
}

Site::Changes Site::changes_since(const std::string& artifact_id, db::Session& db) {
  Changes out;
  const auto then = site::use_of_running(db, target_.name, artifact_id);
  if (!then) return out;
  auto now = this->now(db);
  if (!now.is_certain) {
    out.remarks.push_back("the site's file " + path() + " cannot be used: `deploy --check` says why");
    now.use.file_sha256 = then->file_sha256;
  }
  auto before = layers(*then, db);
  const auto after = layers(now.use, db);
  if (then->file_sha256 && path().empty()) {
    out.remarks.push_back(std::string("the site's file on the agent's machine is not compared (") + setting() + ")");
    before.file.reset();
  }
  out.differences = site::differences(all_of(before), all_of(after));
  return out;
}

void Site::hide_all(std::vector<base::Secret> values) {
  if (!values.empty()) hidden_.emplace_back(log::without_public(std::move(values), public_words_));
}

/// What is a secret by what the site says: also where it is part of a public word.
void Site::hide(const std::string& text) {
  std::vector<base::Secret> secrets = {base::Secret(text)};
  for (const auto& line : base::split(text, '\n')) secrets.emplace_back(base::trim(line));
  hidden_.emplace_back(secrets);
}

std::string Site::vault(const std::string& path, const std::string& field) {
  const std::string reference = "vault:" + path + "#" + field;
  if (const auto found = known_.find(reference); found != known_.end()) return found->second;
  try {
    if (!vault_) vault_ = std::make_unique<secrets::Vault>(secrets::checked_login(settings_.vault));
    const auto fields = vault_->fields(path, *pulse_, base::Deadline::in(settings_.vault.timeout));
    const auto value = fields.find(field);
    if (value == fields.end() || value->is_null())
      throw Error(Kind::configuration, "the secret " + path + " has no field " + field,
                  "write it: vault kv patch " + path);
    std::string text = value->is_string() ? value->get<std::string>() : value->dump();
    hide(text);
    return known_.emplace(reference, std::move(text)).first->second;
  } catch (const Error& e) {
    // Not connection_lost: it is not the database that is away.
    if (e.kind() == Kind::connection_lost) throw Error(Kind::unavailable, e.what(), e.hint());
    if (e.kind() != Kind::configuration) throw;
    const bool is_of_login = settings_.vault.server.address.empty();
    throw Error(Kind::configuration, e.what(),
                is_of_login
                    ? e.hint()
                    : "see what lies there: `vault kv get " + path + "`, and which policy the agent's login has");
  }
}

std::string Site::file(const std::string& path) {
  const std::string reference = "file:" + path;
  if (const auto found = known_.find(reference); found != known_.end()) return found->second;
  base::require_trusted(path, "the file " + path);
  try {
    std::string text = base::read_file(path, site::kLargestValue);
    if (base::ends_with(text, "\n")) text.pop_back();
    hide(text);
    return known_.emplace(reference, std::move(text)).first->second;
  } catch (const Error& e) {
    throw Error(Kind::configuration, e.what(), "put the file in place, or set something else");
  }
}

std::vector<std::string> Site::add_to(deploy::Release& release, const site::Use& use, const std::string& folder,
                                      const std::string& prefix, db::Session& db, base::Pulse& pulse) {
  pulse_ = &pulse;
  const Layers layers = this->layers(use, db);
  for (const auto& one : layers.stored) {
    if (one.is_secret && !site::is_reference(one.value)) hide(one.value);
  }
  if (!use.revision && !use.file_sha256) return layers.remarks;
  base::make_directories(folder, 0700);
  if (site::takes_values(target_.kind)) {
    add_values(release, layers, folder, prefix);
  } else {
    add_variables(release, layers, folder + "/" + prefix + ".env");
  }
  return layers.remarks;
}

void Site::add_variables(deploy::Release& release, const Layers& layers, const std::string& path) {
  using deploy::env::File;
  site::Settings over;
  if (layers.file)
    over = site::from_env_file(*layers.file, this->path().empty() ? "the site's file" : this->path(), target_.kind);
  over = site::merged(layers.stored, over);
  File site;
  for (const auto& one : over) {
    const std::string value = site::resolved(one.name, one.value, *this);
    need_expressible(one.name, value);
    site.variables.push_back({one.name, value, 0});
  }
  if (release.env_file) {
    const std::string text = base::read_file(*release.env_file, 8 * kLargestFile);
    site = deploy::env::merge(of_release([&] { return deploy::env::read(text, kReleaseEnv); }), site);
  }
  const std::string text = deploy::env::write(site, deploy::env::Dialect::compose_v2);
  hide_all(log::values_of_env(text));
  release.env_file = written(path, text);
}

std::string Site::resolved_document(const std::string& text, const std::string& name) {
  // Most files have no references, and stay as they are: comments, anchors and tags among them.
  if (!has_references(text, name)) return text;
  std::string out;
  for (const auto& document : yaml::read(text, name, {kLargestFile, 200'000})) {
    out +=
        (out.empty() ? "" : "---\n") +
        site::to_flow(document.root(), [&](const std::string& one) { return site::resolved("values", one, *this); }) +
        "\n";
  }
  return out;
}

void Site::add_values(deploy::Release& release, const Layers& layers, const std::string& folder,
                      const std::string& prefix) {
  release.resets_values = true;
  const auto add = [&](const std::string& name, const std::string& text) {
    hide_all(log::values_of_yaml(text));
    release.site_values_files.push_back(written(folder + "/" + prefix + "-" + name, text));
  };
  if (!layers.stored.empty()) {
    site::Settings resolved = layers.stored;
    for (auto& one : resolved) {
      const auto documents = yaml::read(one.value, "the site's " + one.name, {kLargestFile, 200'000});
      if (documents.empty()) continue;
      one.value = site::to_flow(documents.front().root(),
                                [&](const std::string& text) { return site::resolved(one.name, text, *this); });
    }
    add("stored.yaml", site::to_values_file(resolved));
  }
  if (!layers.file) return;
  site::from_values_file(*layers.file, path().empty() ? "the site's file" : path());
  add("file.yaml", resolved_document(*layers.file, path()));
}

void leave_to_site(ResolvedRelease& goal, Site& site, const site::Use& now, db::Session& db,
                   const std::string& target) {
  const auto then = site::use_of_revision(db, target, *goal.held_revision).value_or(site::Use{});
  if (site.is_same(db, then, now)) return;
  goal.remark = "the target holds revision " + std::to_string(*goal.held_revision) + " of " + goal.artifact.version +
                ", made with other settings of the site: the stored release is deployed with those of today";
  goal.held_revision.reset();
}

}  // namespace wrktalk::agent
