// SPDX-License-Identifier: Apache-2.0
#include "cmd/backup_report.hpp"

#include "cmd/app.hpp"
#include "core/backup/tables.hpp"
#include "core/base/text.hpp"

#include <nlohmann/json.hpp>

#include <iostream>
#include <numeric>

namespace wrktalk::cmd {
namespace {

using backup::Backup;
using backup::Verdict;
using nlohmann::ordered_json;

/// "20260131 021500" for a file that nothing beside it tells more of.
std::string when(const Backup& one) {
  if (one.record) return one.record->created_at;
  return one.name.time.empty() ? one.name.day : one.name.day + " " + one.name.time;
}

std::string proof(const Backup& one) {
  if (!one.record || one.record->verified_at.empty()) return "-";
  if (one.record->restored_at == one.record->verified_at) return one.record->restored_at + ", restored";
  return one.record->verified_at;
}

std::uint64_t total(const backup::Rows& rows) {
  return std::accumulate(rows.begin(), rows.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const auto& row) { return sum + row.second; });
}

}  // namespace

ordered_json to_json(const Backup& one) {
  ordered_json json = {{"path", one.path}, {"file", one.file}, {"size_bytes", one.size_bytes}};
  if (one.record) json.update(ordered_json::parse(backup::to_json(*one.record)));
  return json;
}

ordered_json to_json(const std::vector<Verdict>& verdicts, bool dry_run) {
  ordered_json json = {{"dry_run", dry_run}, {"removed", ordered_json::array()}, {"kept", ordered_json::array()}};
  for (const auto& [one, kept_for] : verdicts) {
    if (kept_for.empty())
      json["removed"].push_back({{"file", one.file}, {"size_bytes", one.size_bytes}});
    else
      json["kept"].push_back({{"file", one.file}, {"size_bytes", one.size_bytes}, {"kept_for", kept_for}});
  }
  return json;
}

ordered_json verdict_json(const Backup& one, const backup::Rows& rows, bool restored, const std::string& problem) {
  return {{"file", one.file},
          {"good", problem.empty()},
          {"restored", restored && problem.empty()},
          {"rows", rows},
          {"problem", problem}};
}

void print_created(const Backup& made) {
  const auto took = std::chrono::milliseconds(static_cast<std::int64_t>(made.record->took_seconds * 1000));
  std::cout << "created " << made.path << ": " << base::human_size(made.size_bytes) << " in "
            << base::human_duration(took) << ", " << backup::to_text(made.record->rows) << '\n';
}

void print_list(const std::vector<Backup>& backups) {
  Table table({"FILE", "CREATED", "SIZE", "ROWS", "SERVER", "VERIFIED"});
  for (const auto& one : backups) {
    table.add({one.file, when(one), base::human_size(one.size_bytes),
               one.record ? std::to_string(total(one.record->rows)) : "-",
               one.record ? one.record->server_version : "-", proof(one)});
  }
  std::cout << table.text();
}

void print_verdict(const Backup& one, const backup::Rows& rows, bool restored, const std::string& problem) {
  if (!problem.empty())
    std::cout << "DAMAGED  " << one.file << ": " << base::one_line(problem) << std::endl;
  else
    std::cout << "good     " << one.file << ": " << backup::to_text(rows) << (restored ? ", restored and compared" : "")
              << std::endl;
}

void print_pruned(const std::vector<Verdict>& verdicts, bool dry_run) {
  std::size_t removed = 0;
  for (const auto& [one, kept_for] : verdicts) {
    if (kept_for.empty()) ++removed;
    std::cout << (!kept_for.empty() ? "keeps         "
                  : dry_run         ? "would remove  "
                                    : "removed       ")
              << one.file << (kept_for.empty() ? "" : "  (" + kept_for + ")") << '\n';
  }
  std::cout << verdicts.size() - removed << " kept, " << removed << (dry_run ? " would be removed\n" : " removed\n");
}

}  // namespace wrktalk::cmd
