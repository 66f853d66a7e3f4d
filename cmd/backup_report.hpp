// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/backup/folder.hpp"
#include "core/backup/prune.hpp"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <vector>

/// How backups are told, to people and to machines.
namespace wrktalk::cmd {

/// What `backup verify` found out.
struct Examination {
  enum class Verdict {
    good,
    damaged,
    unknown,  ///< the examination failed, not the backup
  };
  Verdict verdict = Verdict::unknown;
  bool restored = false;  ///< it was asked to be restored
  backup::Rows rows;
  std::string problem;
  std::string hint;
};

nlohmann::ordered_json to_json(const backup::Backup& one);
nlohmann::ordered_json to_json(const std::vector<backup::Verdict>& verdicts, bool dry_run);
nlohmann::ordered_json to_json(const backup::Backup& one, const Examination& seen);

void print_created(const backup::Backup& made);
void print_list(const std::vector<backup::Backup>& backups);
void print(const backup::Backup& one, const Examination& seen);
void print_pruned(const std::vector<backup::Verdict>& verdicts, bool dry_run);

}  // namespace wrktalk::cmd
