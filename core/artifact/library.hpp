// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <archive.h>
#include <archive_entry.h>

#include <memory>

namespace wrktalk::artifact {

/// libarchive's functions that are used, by their names without "archive_".
struct Libarchive {
  decltype(&::archive_read_new) read_new;
  decltype(&::archive_read_free) read_free;
  decltype(&::archive_read_support_format_tar) read_support_format_tar;
  decltype(&::archive_read_open) read_open;
  decltype(&::archive_read_open2) read_open2;
  decltype(&::archive_read_header_position) read_header_position;
  decltype(&::archive_read_next_header) read_next_header;
  decltype(&::archive_read_data_block) read_data_block;
  decltype(&::archive_error_string) error_string;
  decltype(&::archive_entry_pathname) entry_pathname;
  decltype(&::archive_entry_filetype) entry_filetype;
  decltype(&::archive_entry_perm) entry_perm;
  decltype(&::archive_entry_mtime) entry_mtime;
  decltype(&::archive_entry_size) entry_size;
  decltype(&::archive_entry_hardlink) entry_hardlink;
  decltype(&::archive_entry_symlink) entry_symlink;
};

/// Loaded at the first call (docs/adr/0008). Throws Error(configuration) when it is not installed.
const Libarchive& libarchive();

struct FreeArchive {
  void operator()(archive* reader) const noexcept { libarchive().read_free(reader); }
};
using ArchiveReader = std::unique_ptr<archive, FreeArchive>;

}  // namespace wrktalk::artifact
