// SPDX-License-Identifier: Apache-2.0
#include "core/artifact/tree_writer.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <fcntl.h>
#include <sys/stat.h>

namespace wrktalk::artifact {
namespace {

using base::Fd;
using base::Kind;

[[noreturn]] void fail(const std::string& path) {
  const bool full = errno == ENOSPC || errno == EDQUOT;
  base::throw_errno(Kind::failed, "cannot write " + base::one_line(base::scrub_utf8(path)),
                    full ? "free space where releases are unpacked, then try again" : "");
}

Fd open_folder(int parent, const char* name) {
  return Fd(::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

}  // namespace

/// The folder of that path, made where it is missing.
int TreeWriter::enter(std::string_view path) {
  std::size_t depth = 0;
  for (std::size_t start = 0; start < path.size(); ++depth) {
    const std::size_t end = std::min(path.find('/', start), path.size());
    const std::string_view name = path.substr(start, end - start);
    start = end + 1;
    if (depth < levels_.size() && levels_[depth].name == name) continue;
    levels_.resize(depth);
    const int parent = levels_.empty() ? root_ : levels_.back().folder.get();
    Level level{std::string(name), open_folder(parent, std::string(name).c_str())};
    if (!level.folder && errno == ENOENT) {
      if (::mkdirat(parent, level.name.c_str(), 0700) != 0) fail(std::string(path));
      level.folder = open_folder(parent, level.name.c_str());
      if (level.folder && ::fchmod(level.folder.get(), 0755) != 0) fail(std::string(path));
    }
    if (!level.folder) fail(std::string(path));
    levels_.push_back(std::move(level));
  }
  levels_.resize(depth);
  return levels_.empty() ? root_ : levels_.back().folder.get();
}

void TreeWriter::entry(const Entry& entry) {
  finish();
  if (entry.type == Entry::Type::folder) {
    if (::fchmod(enter(entry.path), entry.mode) != 0) fail(entry.path);
    return;
  }
  const std::size_t slash = entry.path.rfind('/');
  const int folder = enter(std::string_view(entry.path).substr(0, slash == std::string::npos ? 0 : slash));
  const std::string name = entry.path.substr(slash == std::string::npos ? 0 : slash + 1);
  if (entry.type == Entry::Type::link) {
    if (::symlinkat(entry.link_target.c_str(), folder, name.c_str()) != 0) fail(entry.path);
    return;
  }
  file_.reset(::openat(folder, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file_) fail(entry.path);
  current_ = entry;
}

void TreeWriter::data(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(file_.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail(current_.path);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

void TreeWriter::finish() {
  if (!file_) return;
  const std::array<timespec, 2> times{{{0, UTIME_OMIT}, {current_.modified, 0}}};
  if (::fchmod(file_.get(), current_.mode) != 0) fail(current_.path);
  // A time that the file system cannot hold is no reason to refuse a release.
  ::futimens(file_.get(), times.data());
  if (::close(file_.release()) != 0) fail(current_.path);
}

}  // namespace wrktalk::artifact
