// SPDX-License-Identifier: Apache-2.0
#include "core/base/files.hpp"

#include "core/base/error.hpp"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <filesystem>
#include <linux/magic.h>
#include <memory>
#include <sys/stat.h>
#include <sys/statfs.h>

namespace wrktalk::base {
namespace {

void write_all(int fd, std::string_view content, const std::string& path) {
  while (!content.empty()) {
    const ssize_t n = ::write(fd, content.data(), content.size());
    if (n < 0) {
      if (errno == EINTR) continue;
      throw_errno(Kind::failed, "cannot write " + path, "check free space and permissions there");
    }
    content.remove_prefix(static_cast<std::size_t>(n));
  }
}

void overwrite(int folder, const char* name) noexcept {
  const Fd file(::openat(folder, name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  struct stat info {};
  // A file with another name may be somebody else's: it is unlinked, not emptied.
  if (!file || ::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode) || info.st_nlink != 1) return;
  static constexpr std::array<char, 4096> kZeros{};
  for (off_t done = 0; done < info.st_size;) {
    const auto want = static_cast<std::size_t>(std::min<off_t>(info.st_size - done, kZeros.size()));
    const ssize_t n = ::write(file.get(), kZeros.data(), want);
    if (n <= 0) return;
    done += n;
  }
  ::fdatasync(file.get());
}

bool remove_at(int folder, const char* name, bool wipe) noexcept {
  if (!wipe && (::unlinkat(folder, name, 0) == 0 || errno == ENOENT)) return true;
  struct stat info {};
  if (::fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) != 0) return errno == ENOENT;
  if (!S_ISDIR(info.st_mode)) {
    if (wipe && S_ISREG(info.st_mode)) overwrite(folder, name);
    return ::unlinkat(folder, name, 0) == 0 || errno == ENOENT;
  }
  bool clean = true;
  Fd inner(::openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!inner && errno == EACCES && ::fchmodat(folder, name, 0700, AT_SYMLINK_NOFOLLOW) == 0) {
    inner.reset(::openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  }
  if (inner) {
    ::fchmod(inner.get(), 0700);
    const int walk = ::dup(inner.get());
    const std::unique_ptr<DIR, int (*)(DIR*)> listing(walk < 0 ? nullptr : ::fdopendir(walk), ::closedir);
    if (!listing) {
      if (walk >= 0) ::close(walk);
      return false;
    }
    while (const dirent* entry = ::readdir(listing.get())) {
      const std::string_view child = entry->d_name;
      if (child == "." || child == "..") continue;
      clean = remove_at(inner.get(), entry->d_name, wipe) && clean;
    }
  }
  return (::unlinkat(folder, name, AT_REMOVEDIR) == 0 || errno == ENOENT) && clean;
}

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

TempDir::TempDir(const std::string& parent, const std::string& prefix, Holds holds)
    : path_(parent + "/" + prefix + "XXXXXX"), holds_(holds) {
  if (::mkdtemp(path_.data()) == nullptr) {
    throw_errno(Kind::failed, "cannot make a private folder in " + parent, "check that it exists and is writable");
  }
}

TempDir::TempDir(TempDir&& other) noexcept : path_(other.keep()), holds_(other.holds_) {}

TempDir& TempDir::operator=(TempDir&& other) noexcept {
  if (this != &other) {
    remove();
    path_ = other.keep();
    holds_ = other.holds_;
  }
  return *this;
}

TempDir::~TempDir() { remove(); }

void TempDir::remove() noexcept {
  if (path_.empty()) return;
  holds_ == Holds::secrets ? wipe_tree(path_) : remove_tree(path_);
}

std::string TempDir::keep() noexcept { return std::exchange(path_, std::string()); }

std::string temporary_parent() {
  const char* configured = std::getenv("TMPDIR");
  return configured != nullptr && configured[0] == '/' ? configured : "/tmp";
}

std::string private_parent() {
  struct statfs info {};
  if (::statfs("/dev/shm", &info) == 0 && info.f_type == TMPFS_MAGIC && ::access("/dev/shm", W_OK | X_OK) == 0) {
    return "/dev/shm";
  }
  return temporary_parent();
}

std::string read_file(const std::string& path, std::size_t limit_bytes) {
  auto content = read_file_if_exists(path, limit_bytes);
  if (!content) throw Error(Kind::failed, "cannot read " + path + ": No such file or directory");
  return *std::move(content);
}

std::optional<std::string> read_file_if_exists(const std::string& path, std::size_t limit_bytes) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) {
    if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
    throw_errno(Kind::failed, "cannot read " + path);
  }
  std::string content;
  std::array<char, 65'536> buffer{};
  for (;;) {
    const ssize_t n = ::read(file.get(), buffer.data(), buffer.size());
    if (n < 0) {
      if (errno == EINTR) continue;
      throw_errno(Kind::failed, "cannot read " + path);
    }
    if (n == 0) return content;
    content.append(buffer.data(), static_cast<std::size_t>(n));
    if (content.size() > limit_bytes) {
      throw Error(Kind::failed, path + " is larger than " + std::to_string(limit_bytes) + " bytes");
    }
  }
}

bool is_unsupported(int error) noexcept {
  return error == EPERM || error == EINVAL || error == ENOTSUP || error == EOPNOTSUPP || error == ENOSYS ||
         error == ENOTTY || error == ENOLCK;
}

namespace {

/// What the file system has instead of `mode`; nothing when it has it. Throws when a private file would be readable by others.
std::string set_mode(int file, mode_t mode, const std::string& path) {
  const auto has = [&] {
    struct stat info {};
    if (::fstat(file, &info) != 0) throw_errno(Kind::failed, "cannot look at " + path);
    return info.st_mode & ALLPERMS;
  };
  if (has() == mode) return {};
  const bool refused = ::fchmod(file, mode) != 0;
  const int reason = refused ? errno : 0;
  if (refused && !is_unsupported(reason)) throw_errno(Kind::failed, "cannot write " + path);
  const mode_t now = has();
  if (now == mode) return {};
  constexpr mode_t kOthers = S_IRWXG | S_IRWXO;
  if ((mode & kOthers) == 0 && (now & kOthers) != 0) {
    throw Error(Kind::configuration,
                path + " would be readable by others: its file system sets the modes of files itself",
                "name a file in a folder of another file system, or mount this one with a mode for its owner alone");
  }
  return std::string("the file system does not set a file's mode") +
         (refused ? std::string(": ") + std::strerror(reason) : "");
}

}  // namespace

std::string write_file(const std::string& path, std::string_view content, mode_t mode) {
  std::string part = path + ".XXXXXX";
  const Fd file(::mkostemp(part.data(), O_CLOEXEC));
  if (!file) throw_errno(Kind::failed, "cannot write " + path, "check that its folder exists and is writable");
  std::string without;
  try {
    without = set_mode(file.get(), mode, path);
    write_all(file.get(), content, path);
    if (::fsync(file.get()) != 0 && !is_unsupported(errno)) throw_errno(Kind::failed, "cannot write " + path);
    if (::rename(part.c_str(), path.c_str()) != 0) throw_errno(Kind::failed, "cannot write " + path);
  } catch (...) {
    ::unlink(part.c_str());
    throw;
  }
  if (!fsync_directory(parent_of(path))) {
    without += std::string(without.empty() ? "" : "; ") + "the file system does not sync a folder";
  }
  return without;
}

void write_private_file(const std::string& path, std::string_view content) {
  const Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) throw_errno(Kind::failed, "cannot create " + path);
  write_all(file.get(), content, path);
}

void make_directories(const std::string& path, mode_t mode) {
  for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const std::string part = path.substr(0, slash);
    if (::mkdir(part.c_str(), mode) != 0 && errno != EEXIST) {
      throw_errno(Kind::failed, "cannot make the folder " + part, "check the permissions of its parent");
    }
    if (slash == std::string::npos) break;
  }
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) {
    throw Error(Kind::failed, path + " is not a folder");
  }
}

bool remove_tree(const std::string& path) noexcept { return remove_at(AT_FDCWD, path.c_str(), false); }

bool wipe_tree(const std::string& path) noexcept { return remove_at(AT_FDCWD, path.c_str(), true); }

bool exists(const std::string& path) noexcept {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0;
}

std::string absolute(const std::string& path) {
  if (path.empty() || path.front() == '/') return path;
  return (std::filesystem::current_path() / path).lexically_normal().string();
}

std::string canonical(const std::string& path) {
  const std::unique_ptr<char, void (*)(void*)> resolved(::realpath(path.c_str(), nullptr), std::free);
  if (!resolved) throw_errno(Kind::failed, "cannot resolve " + path);
  return resolved.get();
}

bool fsync_directory(const std::string& path) {
  const Fd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder && errno == EACCES) return false;  // one may write there, and not look
  if (folder && ::fsync(folder.get()) == 0) return true;
  if (!folder || !is_unsupported(errno)) throw_errno(Kind::failed, "cannot sync the folder " + path);
  return false;
}

}  // namespace wrktalk::base
