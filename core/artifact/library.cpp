// SPDX-License-Identifier: Apache-2.0
#include "core/artifact/library.hpp"

#include "core/base/shared_library.hpp"

namespace wrktalk::artifact {
namespace {

Libarchive load() {
  const base::SharedLibrary library("libarchive.so.13",
                                    "install the package libarchive13 (libarchive13t64 from Debian 13 on)");
  Libarchive out{};
  library.find("archive_read_new", out.read_new);
  library.find("archive_read_free", out.read_free);
  library.find("archive_read_support_format_tar", out.read_support_format_tar);
  library.find("archive_read_open", out.read_open);
  library.find("archive_read_open2", out.read_open2);
  library.find("archive_read_header_position", out.read_header_position);
  library.find("archive_read_next_header", out.read_next_header);
  library.find("archive_read_data_block", out.read_data_block);
  library.find("archive_error_string", out.error_string);
  library.find("archive_entry_pathname", out.entry_pathname);
  library.find("archive_entry_filetype", out.entry_filetype);
  library.find("archive_entry_perm", out.entry_perm);
  library.find("archive_entry_mtime", out.entry_mtime);
  library.find("archive_entry_size", out.entry_size);
  library.find("archive_entry_hardlink", out.entry_hardlink);
  library.find("archive_entry_symlink", out.entry_symlink);
  return out;
}

}  // namespace

const Libarchive& libarchive() {
  static const Libarchive kLibrary = load();
  return kLibrary;
}

}  // namespace wrktalk::artifact
