// SPDX-License-Identifier: Apache-2.0
#include "core/migrate/history.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <map>

namespace wrktalk::migrate {
namespace {

using base::Error;
using base::Kind;

State state_of_applied(const Migration* migration, const LedgerRow& row, const Set& set) {
  if (migration != nullptr && row.is_begun()) return State::begun;
  if (migration != nullptr) return migration->checksum == row.checksum ? State::applied : State::changed;
  return set.migrations.empty() || row.number > set.migrations.back().number ? State::unknown : State::missing;
}

std::string advice(State state) {
  switch (state) {
    case State::changed:
      return "restore the file as it was applied and put the change in a new migration; if it says the same as before, "
             "`wrktalk migrate repair --accept-changed`";
    case State::missing: return "restore the file";
    case State::unknown: return "use the version of wrktalk, or the files, that made it";
    case State::out_of_order: return "give it the next free number, or apply it all the same with --allow-out-of-order";
    case State::applied:
    case State::begun:
    case State::pending: break;
  }
  return {};
}

/// Whether `up` runs it.
bool is_open(State state) { return state == State::begun || state == State::pending || state == State::out_of_order; }

}  // namespace

const char* to_string(State state) noexcept {
  switch (state) {
    case State::applied: return "applied";
    case State::begun: return "begun";
    case State::pending: return "pending";
    case State::out_of_order: return "out of order";
    case State::changed: return "changed";
    case State::missing: return "file missing";
    case State::unknown: return "unknown";
  }
  return "";
}

std::string complaint(const Entry& entry) {
  switch (entry.state) {
    case State::changed:
      return entry.migration->up.file + " has changed since " + entry.row->applied_by + " applied it at " +
             entry.row->applied_at;
    case State::missing:
      return "migration " + entry.label + " (" + entry.name + ") was applied at " + entry.row->applied_at +
             " and its file is missing";
    case State::unknown:
      return "the database has migration " + entry.label + " (" + entry.name + ") from " + entry.row->applied_at +
             ", which is newer than all files";
    case State::out_of_order: return entry.migration->up.file + " is older than migrations that are already applied";
    case State::begun:
      return entry.migration->up.file + " was begun at " + entry.row->applied_at + " by " + entry.row->applied_by +
             " and not finished: run `wrktalk migrate up` or `repair`";
    case State::pending: return entry.migration->up.file + " is not applied";
    case State::applied: break;
  }
  return {};
}

std::vector<Entry> history(const Set& set, const std::vector<LedgerRow>& ledger) {
  std::map<std::int64_t, Entry> entries;
  const std::int64_t last_applied = ledger.empty() ? -1 : ledger.back().number;
  for (const auto& migration : set.migrations) {
    const State state = migration.number < last_applied ? State::out_of_order : State::pending;
    entries[migration.number] = {migration.number, migration.label, migration.name, state, &migration, std::nullopt};
  }
  for (const auto& row : ledger) {
    auto [at, added] = entries.try_emplace(row.number);
    Entry& entry = at->second;
    if (added) {
      entry.number = row.number;
      entry.label = label_of(set, row.number);
      entry.name = row.name;
    }
    entry.state = state_of_applied(entry.migration, row, set);
    entry.row = row;
  }
  std::vector<Entry> sorted;
  for (auto& [number, entry] : entries) sorted.push_back(std::move(entry));
  return sorted;
}

void refuse_broken(const std::vector<Entry>& entries, const Set& set, Late late) {
  std::vector<std::string> complaints;
  std::string hint;
  bool only_unknown = true;
  for (const auto& entry : entries) {
    if (entry.state == State::applied || entry.state == State::begun || entry.state == State::pending) continue;
    if (entry.state == State::out_of_order && late == Late::allowed) continue;
    complaints.push_back(complaint(entry));
    if (hint.empty()) hint = advice(entry.state);
    only_unknown = only_unknown && entry.state == State::unknown;
  }
  if (complaints.empty()) return;
  throw Error(only_unknown ? Kind::configuration : Kind::failed,
              "set " + set.name + ": " + base::join(complaints, "; "), hint);
}

void refuse_unknown_number(const std::vector<Entry>& entries, std::int64_t number) {
  const bool known = std::any_of(entries.begin(), entries.end(), [&](const Entry& entry) {
    return entry.number == number && entry.migration != nullptr;
  });
  if (known || number == 0) return;
  const std::size_t digits = entries.empty() ? 0 : entries.front().label.size();
  throw Error(Kind::usage, "there is no migration " + padded(number, digits), "see `wrktalk migrate status`");
}

std::vector<const Migration*> pending(const std::vector<Entry>& entries, std::optional<std::int64_t> to) {
  std::vector<const Migration*> out;
  for (const auto& entry : entries) {
    if (is_open(entry.state) && (!to || entry.number <= *to)) out.push_back(entry.migration);
  }
  return out;
}

std::vector<const Migration*> to_undo(const std::vector<Entry>& entries, std::size_t steps,
                                      std::optional<std::int64_t> to) {
  std::vector<const Migration*> out;
  for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
    if (entry->state != State::applied && entry->state != State::begun) continue;
    if (to ? entry->number <= *to : out.size() == steps) break;
    if (!entry->migration->down) {
      throw Error(Kind::failed, entry->migration->up.file + " has no down file", "write one, or restore a backup");
    }
    out.push_back(entry->migration);
  }
  return out;
}

const Entry* newest(const std::vector<Entry>& entries) noexcept {
  const auto at =
      std::find_if(entries.rbegin(), entries.rend(), [](const Entry& entry) { return entry.row.has_value(); });
  return at == entries.rend() ? nullptr : &*at;
}

}  // namespace wrktalk::migrate
