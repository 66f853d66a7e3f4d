// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/agent/goal.hpp"
#include "core/agent/settings.hpp"
#include "core/base/pulse.hpp"
#include "core/base/secret.hpp"
#include "core/db/session.hpp"
#include "core/log/log.hpp"
#include "core/secrets/vault.hpp"
#include "core/site/references.hpp"
#include "core/site/store.hpp"

#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace wrktalk::agent {

/// What a site sets for one target, laid over what a release brings: the settings in the database over the release, the file on this machine over
/// both. References are read once while this lives, from Vault and from trusted files; whatever they hold is masked until then.
class Site : private site::Source {
 public:
  /// `settings` must outlive it. `public_words` are not masked.
  Site(const Settings& settings, const deploy::Target& target, std::vector<std::string> public_words);

  struct Now {
    site::Use use;
    bool is_certain = true;  ///< false: the file that the settings name cannot be read or must not be trusted
  };
  /// What is in force.
  Now now(db::Session& db);
  /// The same, where the target's newest revision is known.
  Now now_with(int newest_revision);

  /// Whether what `then` used and what `now` uses is the same without a look at where references lead.
  bool is_same(db::Session& db, const site::Use& then, const site::Use& now);

  struct Changes {
    std::vector<site::Difference> differences;
    std::vector<std::string> remarks;
  };
  /// What a task that begins now would use otherwise than the deployment that brought the artifact here. Of a file nothing but names is told.
  Changes changes_since(const std::string& artifact_id, db::Session& db);

  /// Puts it over what the release brings, into files in `folder` (private) whose names begin with `prefix`. Returns what the operator should know:
  /// what is not there any more as it was used. Throws Error: configuration, artifact for what cannot be used or found, unavailable while Vault is away.
  std::vector<std::string> add_to(deploy::Release& release, const site::Use& use, const std::string& folder,
                                  const std::string& prefix, db::Session& db, base::Pulse& pulse);

  /// Keeps the file as it is used on this machine, so that a deployment that fails can be put back with it after it was edited. Of older ones those
  /// are kept that `others` name.
  void keep_file(const site::Use& use, const std::vector<site::Use>& others);

 private:
  struct Layers {
    site::Settings stored;
    std::optional<std::string> file;  ///< its text
    std::vector<std::string> remarks;
  };

  std::string vault(const std::string& path, const std::string& field) override;
  std::string file(const std::string& path) override;

  const std::string& path() const;
  const char* setting() const;
  std::string kept_folder() const;
  std::string read_file_of_site();
  std::optional<std::string> kept_file(const std::string& sha256);
  std::optional<std::string> file_as_used(const std::string& sha256, std::vector<std::string>& remarks);
  Layers layers(const site::Use& use, db::Session& db);
  site::Settings all_of(const Layers& layers) const;
  void hide(const std::string& text);
  void hide_all(std::vector<base::Secret> values);
  void add_variables(deploy::Release& release, const Layers& layers, const std::string& path);
  void add_values(deploy::Release& release, const Layers& layers, const std::string& folder, const std::string& prefix);
  std::string resolved_document(const std::string& text, const std::string& name);

  const Settings& settings_;
  deploy::Target target_;
  std::vector<std::string> public_words_;
  base::Pulse* pulse_ = nullptr;  ///< while references are read
  std::unique_ptr<secrets::Vault> vault_;
  std::map<std::string, std::string> known_;  ///< by the reference
  std::list<log::SecretScope> hidden_;
};

/// A revision that the target holds has the values it was made with. When the site's are others now, or may be, the stored release is deployed
/// instead: what a site sets belongs to the site.
void leave_to_site(ResolvedRelease& goal, Site& site, const site::Use& now, db::Session& db, const std::string& target);

}  // namespace wrktalk::agent
