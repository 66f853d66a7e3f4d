// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/db/session.hpp"
#include "core/site/setting.hpp"

#include <optional>
#include <string>
#include <vector>

/// Settings of targets in the database: each change makes the target's next revision.
namespace wrktalk::site {

/// So many revisions of a target keep their settings.
constexpr int kKeptRevisions = 50;

struct Stored : Setting {
  bool is_shown = true;  ///< false: this login may not read values
  int set_in = 0;        ///< the revision that gave it its value
  std::string set_at;
  std::string set_by;  ///< the login, and USER@HOST as that one said
};

/// Of the target's newest revision, by name.
std::vector<Stored> list(db::Session& db, const std::string& target);

/// The target's newest revision; 0 when nothing was ever set.
int newest_revision(db::Session& db, const std::string& target);

/// Nothing when its settings are not kept any more.
std::optional<Settings> settings_at(db::Session& db, const std::string& target, int revision);

struct Edit {
  Settings set;
  std::vector<std::string> unset;  ///< names; of values also what is below them
  bool replaces = false;           ///< whatever `set` does not name is unset
};

struct Difference {
  enum class What { added, changed, removed };
  What what = What::added;
  std::string name;
  std::string before;  ///< values; "***" of a secret
  std::string after;
};

/// From one set to another, secrets hidden. What is a secret on either side is hidden on both.
std::vector<Difference> differences(const Settings& before, const Settings& after);

struct Changed {
  int revision = 0;  ///< that is in force now; with `dry_run` the one that would be
  std::vector<Difference> differences;
};

/// One transaction; two at once come one after the other. Nothing is written when nothing would differ. Throws Error(usage) for what `check_all`
/// refuses, and for a name to unset that is not set.
Changed change(db::Session& db, const std::string& target, const Edit& edit, const std::string& requested_by,
               bool dry_run);

/// What a task uses of the site.
struct Use {
  std::optional<int> revision;  ///< nothing: none was set
  std::optional<std::string>
      file_sha256;  ///< of the file on the agent's machine; nothing: there was none; empty: it could not be read

  bool is_empty() const noexcept { return !revision && !file_sha256; }
};

/// What is known when a holder of a task begins, by one statement.
struct Known {
  std::optional<Use> fixed;  ///< as an earlier holder wrote it down
  int newest = 0;            ///< the target's newest revision; 0: nothing was ever set
  bool was_used = false;     ///< whether any task on the target used something of its site's
};
Known known_of(db::Session& db, const std::string& target, const std::string& task_id);

/// Writes down what the task uses. Nothing is written of a task that uses nothing.
void fix_use(db::Session& db, const std::string& task_id, const Use& use);

/// What the newest deployment used that brought the artifact to the target and ended well. Nothing when no such task is known; one of an older
/// wrktalk used nothing.
std::optional<Use> use_of_running(db::Session& db, const std::string& target, const std::string& artifact_id);
/// The same of the one that made a revision of helm's.
std::optional<Use> use_of_revision(db::Session& db, const std::string& target, long revision);

/// Whether any task on the target used something of a site's.
bool was_used(db::Session& db, const std::string& target);

}  // namespace wrktalk::site
