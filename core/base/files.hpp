// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/fd.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace wrktalk::base {

/// A private folder (0700, made with mkdtemp) that is removed with all it holds when the owner goes.
class TempDir {
 public:
  /// Secrets are overwritten before they are removed; that costs as much as writing them.
  enum class Holds { secrets, no_secrets };

  /// `parent` must exist; the name is `prefix` and six characters.
  TempDir(const std::string& parent, const std::string& prefix, Holds holds = Holds::secrets);
  TempDir(TempDir&& other) noexcept;
  TempDir& operator=(TempDir&& other) noexcept;
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir();

  const std::string& path() const noexcept { return path_; }
  /// The folder stays when the owner goes.
  std::string keep() noexcept;

 private:
  void remove() noexcept;

  std::string path_;
  Holds holds_;
};

/// Where temporary files without secrets may lie: $TMPDIR when it is an absolute path, else /tmp.
std::string temporary_parent();

/// Where files with secrets may lie: /dev/shm when it is a tmpfs we can write to, else $TMPDIR or /tmp.
std::string private_parent();

/// The whole file. Throws Error(kind `failed`) naming the path; refuses more than `limit_bytes`.
std::string read_file(const std::string& path, std::size_t limit_bytes);
std::optional<std::string> read_file_if_exists(const std::string& path, std::size_t limit_bytes);

/// Whether a file system does not do such a thing at all (CIFS, NFS with a squashed root, FUSE): no space that is freed would help.
bool is_unsupported(int error) noexcept;

/// Puts `content` in place whole or not at all: temporary file beside it, fsync, rename, fsync of the folder. What the file system does not
/// do, a mode or a sync, is done without, and returned in words; empty: it did all. But a file that is meant to be private is not left where
/// others could read it.
std::string write_file(const std::string& path, std::string_view content, mode_t mode);

/// Creates the file 0600 with O_EXCL and without following links.
void write_private_file(const std::string& path, std::string_view content);

/// Makes a folder and its parents; what exists is left alone.
void make_directories(const std::string& path, mode_t mode);

/// Removes a file or a whole tree without following links. Missing is fine. Never throws; false when something is left.
bool remove_tree(const std::string& path) noexcept;

/// Overwrites every regular file below `path` with zeros (best effort), then removes the tree.
bool wipe_tree(const std::string& path) noexcept;

bool exists(const std::string& path) noexcept;
/// "a/b" made absolute against the working directory; not resolved, need not exist.
std::string absolute(const std::string& path);
/// The canonical path of something that exists. Throws Error(failed).
std::string canonical(const std::string& path);
/// False when the file system does not do that.
bool fsync_directory(const std::string& path);

}  // namespace wrktalk::base
