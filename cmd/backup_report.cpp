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

const char* to_text(Examination::Verdict verdict) {
  switch (verdict) {
    case Examination::Verdict::good: return "good";
    case Examination::Verdict::damaged: return "damaged";
    case Examination::Verdict::unknown: return "unknown";
  }
  return "";
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

ordered_json to_json(const Backup& one, const Examination& seen) {
  const bool good = seen.verdict == Examination::Verdict::good;
  return {{"file", one.file},
          {"good", good},
          {"verdict", to_text(seen.verdict)},
          {"restored", seen.restored && good},
          {"rows", seen.rows},
          {"problem", seen.problem}};
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

void print(const Backup& one, const Examination& seen) {
  switch (seen.verdict) {
    case Examination::Verdict::good:
      std::cout << "good     " << one.file << ": " << backup::to_text(seen.rows)
                << (seen.restored ? ", restored and compared" : "") << std::endl;
      return;
    case Examination::Verdict::damaged:
      std::cout << "DAMAGED  " << one.file << ": " << base::one_line(seen.problem) << std::endl;
      return;
    case Examination::Verdict::unknown:
      std::cout << "unknown  " << one.file << ": it could not be examined: " << base::one_line(seen.problem)
                << (seen.hint.empty() ? "" : "\n         hint: " + seen.hint) << std::endl;
      return;
  }
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
