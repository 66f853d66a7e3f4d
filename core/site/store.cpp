// SPDX-License-Identifier: Apache-2.0
#include "core/site/store.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/deploy/deployer.hpp"
#include "core/site/sql.hpp"
#include "core/site/values.hpp"

#include <algorithm>
#include <map>

namespace wrktalk::site {
namespace {

using base::Error;
using base::Kind;

constexpr const char* kHidden = "***";
constexpr const char* kMayNotRead = "42501";

Stored stored_of(const db::Row& row, bool is_shown) {
  Stored setting;
  setting.name = row["name"].c_str();
  if (is_shown) setting.value = row["value"].c_str();
  setting.is_shown = is_shown;
  setting.is_secret = row["is_secret"].as<bool>();
  setting.set_in = row["set_in"].as<int>();
  setting.set_at = row["made_at"].c_str();
  setting.set_by = row["set_by"].c_str();
  return setting;
}

std::vector<Stored> all_of(const db::Result& rows, bool are_shown) {
  std::vector<Stored> out;
  for (const auto& row : rows) out.push_back(stored_of(row, are_shown));
  return out;
}

struct Numbered {
  Setting setting;
  int set_in = 0;
};

std::map<std::string, Numbered> numbered(const db::Result& rows) {
  std::map<std::string, Numbered> out;
  for (const auto& row : rows) {
    const std::string name = row["name"].c_str();
    out[name] = {{name, row["value"].c_str(), row["is_secret"].as<bool>()}, row["set_in"].as<int>()};
  }
  return out;
}

Settings plain(const std::map<std::string, Numbered>& all) {
  Settings out;
  for (const auto& [name, one] : all) out.push_back(one.setting);
  return out;
}

Settings edited(const Settings& before, const Edit& edit, base::TargetKind kind) {
  Settings after = before;
  for (const auto& name : edit.unset) {
    const auto gone = [&](const Setting& one) {
      return one.name == name || (takes_values(kind) && is_at_or_below(one.name, name));
    };
    const auto end = std::remove_if(after.begin(), after.end(), gone);
    if (end == after.end()) {
      throw Error(Kind::usage, "'" + base::one_line(name) + "' is not set", "see what is: wrktalk site list");
    }
    after.erase(end, after.end());
  }
  after = merged(after, edit.set);
  if (edit.replaces) {
    const auto is_named = [&](const Setting& one) {
      return std::any_of(edit.set.begin(), edit.set.end(), [&](const auto& other) { return other.name == one.name; });
    };
    after.erase(std::remove_if(after.begin(), after.end(), [&](const auto& one) { return !is_named(one); }),
                after.end());
  }
  return after;
}

void write(db::Transaction& tx, const std::string& target, int revision, const Settings& after,
           const std::map<std::string, Numbered>& before, const std::string& requested_by) {
  std::vector<std::string> names, values, secrets, set_in;
  for (const auto& one : after) {
    const auto old = before.find(one.name);
    const bool is_old =
        old != before.end() && old->second.setting.value == one.value && old->second.setting.is_secret == one.is_secret;
    names.push_back(one.name);
    values.push_back(one.value);
    secrets.emplace_back(one.is_secret ? "true" : "false");
    set_in.push_back(std::to_string(is_old ? old->second.set_in : revision));
  }
  tx.run(sql::add_revision, target, revision, requested_by);
  tx.run(sql::add_settings, target, revision, names, values, secrets, set_in);
  tx.run(sql::forget_settings, target, revision - kKeptRevisions);
}

Use use_of(const db::Row& row) {
  Use use;
  if (!row["revision"].is_null()) use.revision = row["revision"].as<int>();
  use.file_sha256 = db::text(row, "file_sha256");
  return use;
}

std::optional<Use> first_of(const db::Result& rows) {
  if (rows.empty()) return std::nullopt;
  return use_of(rows[0]);
}

}  // namespace

std::vector<Stored> list(db::Session& db, const std::string& target) {
  try {
    return all_of(db.run(sql::list, target), true);
  } catch (const db::SqlError& e) {
    if (e.sqlstate() != kMayNotRead) throw;
  }
  return all_of(db.run(sql::list_names, target), false);
}

int newest_revision(db::Session& db, const std::string& target) {
  return db.run(sql::newest_revision, target)[0]["revision"].as<int>();
}

std::optional<Settings> settings_at(db::Session& db, const std::string& target, int revision) {
  if (revision < db.run(sql::oldest_kept, target, kKeptRevisions)[0]["revision"].as<int>()) return std::nullopt;
  return plain(numbered(db.run(sql::settings_at, target, revision)));
}

std::vector<Difference> differences(const Settings& before, const Settings& after) {
  std::map<std::string, std::pair<const Setting*, const Setting*>> both;
  for (const auto& one : before) both[one.name].first = &one;
  for (const auto& one : after) both[one.name].second = &one;
  std::vector<Difference> out;
  for (const auto& [name, pair] : both) {
    const auto [old, fresh] = pair;
    if (old != nullptr && fresh != nullptr && old->value == fresh->value && old->is_secret == fresh->is_secret)
      continue;
    const bool is_secret = (old != nullptr && old->is_secret) || (fresh != nullptr && fresh->is_secret);
    const auto shown = [&](const Setting* one) {
      return one == nullptr ? std::string() : is_secret ? kHidden : one->value;
    };
    const auto what = old == nullptr     ? Difference::What::added
                      : fresh == nullptr ? Difference::What::removed
                                         : Difference::What::changed;
    out.push_back({what, name, shown(old), shown(fresh)});
  }
  return out;
}

Changed change(db::Session& db, const std::string& target, const Edit& edit, const std::string& requested_by,
               bool dry_run) {
  const auto kind = deploy::parse_target(target).kind;
  db::Transaction tx(db);
  tx.run("SELECT pg_advisory_xact_lock(hashtext('wrktalk.site'), hashtext($1))", target);
  Changed changed;
  changed.revision = tx.run(sql::newest_revision, target)[0]["revision"].as<int>();
  const auto before = numbered(tx.run(sql::settings_at, target, changed.revision));
  const Settings after = edited(plain(before), edit, kind);
  check_all(after, kind);
  changed.differences = differences(plain(before), after);
  if (changed.differences.empty()) return changed;
  ++changed.revision;
  if (dry_run) return changed;
  write(tx, target, changed.revision, after, before, requested_by);
  tx.commit();
  return changed;
}

Known known_of(db::Session& db, const std::string& target, const std::string& task_id) {
  const auto row = db.run(sql::use_of_task, target, task_id)[0];
  Known known;
  if (row["is_fixed"].as<bool>()) known.fixed = use_of(row);
  known.newest = row["newest"].as<int>();
  known.was_used = row["was_used"].as<bool>();
  return known;
}

void fix_use(db::Session& db, const std::string& task_id, const Use& use) {
  if (!use.is_empty()) db.run(sql::add_use, task_id, use.revision, use.file_sha256);
}

std::optional<Use> use_of_running(db::Session& db, const std::string& target, const std::string& artifact_id) {
  return first_of(db.run(sql::use_of_running, target, artifact_id));
}

std::optional<Use> use_of_revision(db::Session& db, const std::string& target, long revision) {
  return first_of(db.run(sql::use_of_revision, target, std::to_string(revision)));
}

bool was_used(db::Session& db, const std::string& target) {
  return db.run(sql::was_used, target)[0]["was_used"].as<bool>();
}

}  // namespace wrktalk::site
