// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/backup/dump_text.hpp"
#include "core/backup/folder.hpp"
#include "core/backup/tools.hpp"
#include "core/base/pulse.hpp"

#include <cstdint>
#include <functional>
#include <string>

namespace wrktalk::backup {

/// Called with the number of bytes done so far.
using ProgressCall = std::function<void(std::uint64_t done_bytes)>;

/// Throws Error(failed) when the file cannot be read.
std::string sha256_of_file(const std::string& path, base::Pulse& pulse, const ProgressCall& progress);

/// Throws Error(difference) unless the backup's bytes are those that were written, as far as anything beside it tells;
/// what neither NAME.sha256 nor NAME.json knows is let pass. Returns the digest.
std::string check_sha256(const Backup& backup, base::Pulse& pulse, const ProgressCall& progress);

/// What reading a backup may take.
struct Keys {
  std::string age_identity;  ///< a file; gpg has its own keyring
};

/// How backups are read.
struct Reading {
  Keys keys;
  const Tools& tools;
  base::Pulse& pulse;
  ProgressCall progress = {};
};

/// Reads a backup to its end: decrypted, unpacked, told to `listener`. Returns the rows of each table.
/// Throws Error(difference) for what is damaged or cut short, Error(child) when a program that reads it failed,
/// Error(configuration) for a key that was not named.
Rows read_backup(const std::string& path, const Name& name, const Reading& reading, DumpListener& listener);

}  // namespace wrktalk::backup
