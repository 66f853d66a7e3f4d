// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/backup/folder.hpp"
#include "core/backup/prune.hpp"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <vector>

/// How backups are told, to people and to machines.
namespace wrktalk::cmd {

nlohmann::ordered_json to_json(const backup::Backup& one);
nlohmann::ordered_json to_json(const std::vector<backup::Verdict>& verdicts, bool dry_run);
nlohmann::ordered_json verdict_json(const backup::Backup& one, const backup::Rows& rows, bool restored,
                                    const std::string& problem);

void print_created(const backup::Backup& made);
void print_list(const std::vector<backup::Backup>& backups);
/// `problem` empty: it is good.
void print_verdict(const backup::Backup& one, const backup::Rows& rows, bool restored, const std::string& problem);
void print_pruned(const std::vector<backup::Verdict>& verdicts, bool dry_run);

}  // namespace wrktalk::cmd
