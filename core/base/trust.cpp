// SPDX-License-Identifier: Apache-2.0
#include "core/base/trust.hpp"

#include "core/base/error.hpp"
#include "core/base/files.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <vector>

namespace wrktalk::base {
namespace {

using Fields = std::vector<std::string>;

constexpr std::size_t kLargestAccountFile = 4 * 1024 * 1024;
constexpr int kMostLinks = 40;  // the kernel's own limit

/// The lines of /etc/passwd or /etc/group that have at least `fields` of them; none when it cannot be read.
std::vector<Fields> accounts(const char* file, std::size_t fields) {
  std::vector<Fields> out;
  try {
    for (const auto& line : split(read_file_if_exists(file, kLargestAccountFile).value_or(""), '\n')) {
      if (Fields parts = split(line, ':'); parts.size() >= fields) out.push_back(std::move(parts));
    }
  } catch (const Error&) {
    out.clear();
  }
  return out;
}

constexpr std::size_t kName = 0;
constexpr std::size_t kId = 2;
constexpr std::size_t kGroupOfUser = 3;
constexpr std::size_t kMembers = 3;

bool is_ours(uid_t user) { return user == 0 || user == ::geteuid(); }

std::string name_of(const char* file, unsigned long id) {
  for (const auto& line : accounts(file, kId + 1)) {
    if (line[kId] == std::to_string(id)) return line[kName];
  }
  return std::to_string(id);
}

bool others_are_in(gid_t group) {
  const std::string id = std::to_string(group);
  std::vector<std::string> ours;
  for (const auto& user : accounts("/etc/passwd", kGroupOfUser + 1)) {
    const bool is_our_user = user[kId] == "0" || user[kId] == std::to_string(::geteuid());
    if (is_our_user) ours.push_back(user[kName]);
    if (!is_our_user && user[kGroupOfUser] == id) return true;
  }
  for (const auto& line : accounts("/etc/group", kMembers + 1)) {
    if (line[kId] != id) continue;
    const auto members = split(line[kMembers], ',');
    return std::any_of(members.begin(), members.end(), [&](const std::string& name) {
      return !name.empty() && std::find(ours.begin(), ours.end(), name) == ours.end();
    });
  }
  return true;
}

/// With an access list the group's bits are the most that any named user has.
bool others_may(const struct stat& info, const std::string& path) {
  return others_are_in(info.st_gid) || ::getxattr(path.c_str(), "system.posix_acl_access", nullptr, 0) > 0;
}

bool in_pod() { return std::getenv("KUBERNETES_SERVICE_HOST") != nullptr; }

bool is_read_only_mount(const std::string& path) {
  struct statvfs info {};
  return ::statvfs(path.c_str(), &info) == 0 && (info.f_flag & ST_RDONLY) != 0;
}

bool is_mount(const std::string& path) {
  struct statx info {};
  return ::statx(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW, 0, &info) == 0 &&
         (info.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

std::string link_text(const std::string& path) {
  std::array<char, PATH_MAX> text{};
  const ssize_t length = ::readlink(path.c_str(), text.data(), text.size());
  return length < 0 ? "" : std::string(text.data(), static_cast<std::size_t>(length));
}

/// The way to a path, one name after the other.
class Walk {
 public:
  explicit Walk(const std::string& path) { put_ahead(path); }

  std::optional<Distrust> go() {
    int links = 0;
    if (auto why = judge("/")) return why;
    while (!ahead_.empty()) {
      const std::string name = ahead_.back();
      ahead_.pop_back();
      if (name.empty() || name == ".") continue;
      if (name == "..") {
        at_.resize(at_.empty() ? 0 : at_.rfind('/'));
        continue;
      }
      const std::string next = at_ + "/" + name;
      struct stat info {};
      if (::lstat(next.c_str(), &info) != 0) return std::nullopt;
      if (!S_ISLNK(info.st_mode)) {
        at_ = next;
        if (auto why = judge(next)) return why;
        continue;
      }
      if (anybody_adds_) {
        return Distrust{next + " is a link in a folder where everybody may make one", "use the path that it leads to"};
      }
      const std::string text = link_text(next);
      if (text.empty() || ++links > kMostLinks) return std::nullopt;
      if (text.front() == '/') at_.clear();
      put_ahead(text);
    }
    return std::nullopt;
  }

 private:
  void put_ahead(const std::string& path) {
    const auto names = split(path, '/');
    ahead_.insert(ahead_.end(), names.rbegin(), names.rend());
  }

  static Distrust foreign(const std::string& path, uid_t owner) {
    return {path + " belongs to the user " + name_of("/etc/passwd", owner),
            "give it to root or to the user " + name_of("/etc/passwd", ::geteuid()) + " (chown), or use another path"};
  }

  std::optional<Distrust> judge(const std::string& path) {
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0) return std::nullopt;
    const bool sticky = S_ISDIR(info.st_mode) && (info.st_mode & S_ISVTX) != 0;
    anybody_adds_ = false;
    if (is_read_only_mount(path)) return std::nullopt;
    if (in_pod() && path != "/" && info.st_uid == 0 && is_mount(path)) volume_ = path;
    if (path == volume_) return std::nullopt;
    anybody_adds_ = sticky && (info.st_mode & (S_IWGRP | S_IWOTH)) != 0;
    const bool in_volume = !volume_.empty() && starts_with(path, volume_ + "/");
    if (!in_volume && !is_ours(info.st_uid)) return foreign(path, info.st_uid);
    if (sticky) return std::nullopt;
    if ((info.st_mode & S_IWOTH) != 0) return Distrust{path + " is writable by everybody", "run chmod o-w " + path};
    if (!in_volume && (info.st_mode & S_IWGRP) != 0 && others_may(info, path)) {
      return Distrust{path + " is writable by its group " + name_of("/etc/group", info.st_gid),
                      "run chmod g-w " + path};
    }
    return std::nullopt;
  }

  std::string at_;                  ///< what was looked at so far, no link in it; empty: "/"
  std::vector<std::string> ahead_;  ///< the next name last
  bool anybody_adds_ = false;       ///< others may put names of their own beside ours
  std::string volume_;              ///< a pod's
};

}  // namespace

std::optional<Distrust> distrust(const std::string& path) { return Walk(absolute(path)).go(); }

void require_trusted(const std::string& path, const std::string& what) {
  if (const auto found = distrust(path)) {
    throw Error(Kind::configuration, what + " is not safe to use: " + found->why, found->remedy);
  }
}

void require_trusted_program(const std::string& program) {
  if (program.find('/') != std::string::npos) require_trusted(program, "the program " + program);
}

bool is_read_by_others(const std::string& path) {
  struct stat info {};
  if (in_pod() || ::stat(path.c_str(), &info) != 0) return false;
  if ((info.st_mode & S_IROTH) != 0) return true;
  return info.st_uid != 0 && (info.st_mode & S_IRGRP) != 0 && others_may(info, path);
}

Fd open_own_folder(int parent, const std::string& name, const std::string& path, mode_t mode) {
  if (::mkdirat(parent, name.c_str(), mode) != 0 && errno != EEXIST) {
    throw_errno(Kind::configuration, "cannot make the folder " + path, "check who owns the folder above it");
  }
  Fd folder(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat info {};
  if (!folder || ::fstat(folder.get(), &info) != 0) {
    throw_errno(Kind::configuration, path + " is not a folder of our own",
                "remove it when it is a link or a file, or configure another folder");
  }
  const bool shared = (info.st_mode & (in_pod() ? S_IWOTH : S_IWGRP | S_IWOTH)) != 0;  // fsGroup is given all rights
  if (info.st_uid != ::geteuid() || shared) {
    throw Error(Kind::configuration, path + " is not a folder that only we can write to",
                "run wrktalk as the user who owns it, or repair its owner and mode");
  }
  return folder;
}

}  // namespace wrktalk::base
