// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/tree_list.hpp"

#include "core/base/error.hpp"
#include "core/base/fd.hpp"
#include "core/base/files.hpp"
#include "core/base/sha256.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <set>
#include <sys/stat.h>
#include <unistd.h>

namespace wrktalk::deploy {
namespace {

namespace fs = std::filesystem;
using base::Error;
using base::Fd;
using base::Kind;

constexpr std::size_t kPiece = 1 << 16;
constexpr const char* kNoDigest = "-";
constexpr std::size_t kTypeAndDigest = 2;  // the spaces after them

struct Listed {
  char type = 'f';
  std::string digest;
  std::string path;
  bool operator==(const Listed& other) const { return type == other.type && digest == other.digest; }
};

[[noreturn]] void fail(const std::string& doing, const std::string& path) {
  base::throw_errno(Kind::failed, "cannot " + doing + " " + base::one_line(base::scrub_utf8(path)),
                    "check the free space and who owns it");
}

Fd open_folder(int parent, const std::string& name) {
  return Fd(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}
std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

/// The folder `path` below `root`, each part opened from the one above it. Not open when a part is missing or no folder.
Fd open_below(const std::string& root, const std::string& path) {
  Fd folder(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (path.empty()) return folder;
  for (const auto& part : base::split(path, '/')) {
    if (folder) folder = open_folder(folder.get(), part);
  }
  return folder;
}

std::string digest_of(const Fd& file, base::Pulse& pulse) {
  base::Sha256 digest;
  std::array<char, kPiece> piece{};
  for (;;) {
    const ssize_t n = ::read(file.get(), piece.data(), piece.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return "";
    if (n == 0) return digest.hex();
    digest.update(piece.data(), static_cast<std::size_t>(n));
    pulse.tick();
  }
}

/// What lies there now; nothing when it is gone, cannot be read, or is neither file, folder nor link.
std::optional<Listed> look(int folder, const std::string& name, base::Pulse& pulse) {
  struct stat info {};
  if (::fstatat(folder, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return std::nullopt;
  if (S_ISDIR(info.st_mode)) return Listed{'d', kNoDigest, name};
  if (S_ISLNK(info.st_mode)) {
    std::array<char, PATH_MAX> text{};
    const ssize_t length = ::readlinkat(folder, name.c_str(), text.data(), text.size());
    if (length < 0) return std::nullopt;
    return Listed{'l', base::sha256_hex({text.data(), static_cast<std::size_t>(length)}), name};
  }
  const Fd file(::openat(folder, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file || ::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) return std::nullopt;
  const std::string digest = digest_of(file, pulse);
  if (digest.empty()) return std::nullopt;
  return Listed{(info.st_mode & S_IXUSR) != 0 ? 'x' : 'f', digest, name};
}

std::optional<Listed> parse(const std::string& line) {
  const std::size_t space = line.find(' ', kTypeAndDigest);
  if (line.size() < kTypeAndDigest || line[1] != ' ' || space == std::string::npos) return std::nullopt;
  return Listed{line[0], line.substr(kTypeAndDigest, space - kTypeAndDigest), line.substr(space + 1)};
}

/// Out of the way, to `aside`/`path`; what was moved there before stays, and this one goes beside it.
void move_aside(int folder, const std::string& path, const std::string& aside) {
  std::string to = aside + "/" + path;
  base::make_directories(folder_of(to), 0700);
  while (base::exists(to)) to += "~";
  if (::renameat(folder, name_of(path).c_str(), AT_FDCWD, to.c_str()) != 0) fail("move aside", path);
}

/// The folder `path` of `tree`; made where something else lies in its place or nothing.
Fd made_below(const std::string& tree, const std::string& path, const std::string& aside) {
  Fd folder = open_below(tree, "");
  if (!folder) fail("open", tree);
  std::string done;
  for (const auto& part : path.empty() ? std::vector<std::string>{} : base::split(path, '/')) {
    done += (done.empty() ? "" : "/") + part;
    Fd next = open_folder(folder.get(), part);
    if (!next && (errno == ENOTDIR || errno == ELOOP)) move_aside(folder.get(), done, aside);
    if (!next && ::mkdirat(folder.get(), part.c_str(), 0755) == 0) next = open_folder(folder.get(), part);
    if (!next) fail("open", done);
    folder = std::move(next);
  }
  return folder;
}

bool leads_to(const Fd& folder, const std::string& name, const std::string& goal) {
  std::array<char, PATH_MAX> text{};
  const ssize_t length = ::readlinkat(folder.get(), name.c_str(), text.data(), text.size());
  return length > 0 && std::string(text.data(), static_cast<std::size_t>(length)) == goal;
}

/// A folder that data is moved into is as usable to whoever wrote the data as the one it came from.
void take_over_owner(const Fd& from, const Fd& to) {
  struct stat was {};
  struct stat is {};
  if (::fstat(from.get(), &was) != 0 || ::fstat(to.get(), &is) != 0) return;
  if (was.st_uid != is.st_uid || was.st_gid != is.st_gid) {
    if (::fchown(to.get(), was.st_uid, was.st_gid) != 0) return;  // not root: it was never another's
  }
  if ((was.st_mode & ALLPERMS) != (is.st_mode & ALLPERMS)) ::fchmod(to.get(), was.st_mode & ALLPERMS);
}

}  // namespace

void write_tree_list(const std::string& tree, const std::string& list, base::Pulse& pulse) {
  const std::string part = list + ".part";
  std::ofstream out(part, std::ios::binary | std::ios::trunc);
  std::error_code error;
  fs::recursive_directory_iterator at(tree, error);
  for (; !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
    const std::string path = at->path().lexically_relative(tree).string();
    const auto seen = look(AT_FDCWD, at->path().string(), pulse);
    if (!seen) fail("read", at->path().string());
    out << seen->type << ' ' << seen->digest << ' ' << path << '\0';
    pulse.tick();
  }
  out.close();
  if (error) throw Error(Kind::failed, "cannot read " + tree + ": " + error.message());
  // Not synced: a list that is lost with the power makes a later change go unseen, and an fsync for each task costs more than that.
  if (!out || ::rename(part.c_str(), list.c_str()) != 0) fail("write", list);
}

std::optional<std::vector<std::string>> changed_in_tree(const std::string& tree, const std::string& list,
                                                        base::Pulse& pulse) {
  std::ifstream in(list, std::ios::binary);
  if (!in) return std::nullopt;
  std::vector<std::string> changed;
  std::string folder_path;
  Fd folder = open_below(tree, "");
  for (std::string line; std::getline(in, line, '\0');) {
    const auto listed = parse(line);
    if (!listed) continue;
    if (folder_of(listed->path) != folder_path) {
      folder_path = folder_of(listed->path);
      folder = open_below(tree, folder_path);
    }
    const auto now = folder ? look(folder.get(), name_of(listed->path), pulse) : std::nullopt;
    if (!now || !(*now == *listed)) changed.push_back(listed->path);
    pulse.tick();
  }
  return changed;
}

void drop_from_list(const std::string& list, const std::vector<std::string>& paths) {
  std::ifstream in(list, std::ios::binary);
  if (!in) return;
  const std::string part = list + ".part";
  std::ofstream out(part, std::ios::binary | std::ios::trunc);
  for (std::string line; std::getline(in, line, '\0');) {
    const auto listed = parse(line);
    const bool goes = listed && std::any_of(paths.begin(), paths.end(), [&](const std::string& path) {
                        return listed->path == path || base::starts_with(listed->path, path + "/");
                      });
    if (!goes) out << line << '\0';
  }
  out.close();
  if (!out || ::rename(part.c_str(), list.c_str()) != 0) fail("write", list);
}

std::optional<std::string> top_in_list(const std::string& list) {
  std::ifstream in(list, std::ios::binary);
  if (!in) return std::nullopt;
  std::string top;
  for (std::string line; std::getline(in, line, '\0');) {
    const auto listed = parse(line);
    if (!listed) continue;
    const std::string first = listed->path.substr(0, listed->path.find('/'));
    if (first == listed->path && listed->type != 'd') return "";
    if (!top.empty() && first != top) return "";
    top = first;
  }
  return top;
}

void restore_in_tree(const std::string& tree, const std::vector<std::string>& paths, const std::string& stored,
                     const std::string& aside) {
  for (const auto& path : paths) {
    const Fd from = open_below(stored, folder_of(path));
    struct stat info {};
    if (!from || ::fstatat(from.get(), name_of(path).c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) fail("find", path);
    if (S_ISDIR(info.st_mode)) {
      if (::fchmod(made_below(tree, path, aside).get(), info.st_mode & ALLPERMS) != 0) fail("restore", path);
      continue;
    }
    const Fd to = made_below(tree, folder_of(path), aside);
    const std::string name = name_of(path);
    if (::fstatat(to.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0) move_aside(to.get(), path, aside);
    if (::renameat(from.get(), name.c_str(), to.get(), name.c_str()) != 0) fail("restore", path);
  }
}

std::optional<std::vector<std::string>> data_in_tree(const std::string& tree, const std::string& list,
                                                     base::Pulse& pulse) {
  std::ifstream in(list, std::ios::binary);
  if (!in) return std::nullopt;
  std::set<std::string> listed;
  for (std::string line; std::getline(in, line, '\0');) {
    if (const auto entry = parse(line)) listed.insert(entry->path);
  }
  std::vector<std::string> data;
  std::error_code error;
  fs::recursive_directory_iterator at(tree, error);
  for (; !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
    pulse.tick();
    const std::string path = at->path().lexically_relative(tree).string();
    if (listed.count(path) > 0) continue;
    at.disable_recursion_pending();
    // What a killed agent left of the release's environment (compose_env.cpp).
    if ((name_of(path) == ".env" && at->is_symlink()) || name_of(path) == ".env.wrktalk-aside") continue;
    data.push_back(path);
  }
  std::sort(data.begin(), data.end());
  return data;
}

std::vector<std::string> move_data(const std::string& from, const std::vector<std::string>& paths,
                                   const std::string& to, const std::string& aside, base::Pulse& pulse) {
  std::vector<std::string> out;
  for (const auto& path : paths) {
    pulse.tick();
    const std::string name = name_of(path);
    const Fd source = open_below(from, folder_of(path));
    struct stat info {};
    if (!source || ::fstatat(source.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) fail("find", path);
    const Fd goal = made_below(to, folder_of(path), aside);
    struct stat there {};
    if (::fstatat(goal.get(), name.c_str(), &there, AT_SYMLINK_NOFOLLOW) != 0) {
      take_over_owner(source, goal);
      if (::renameat(source.get(), name.c_str(), goal.get(), name.c_str()) == 0) continue;
      // A folder that the engine made is root's, and may be moved by nobody else: it stays, and a link leads there.
      if ((errno == EACCES || errno == EPERM) &&
          ::symlinkat((from + "/" + path).c_str(), goal.get(), name.c_str()) == 0)
        continue;
      fail("move", path);
    }
    if (leads_to(source, name, to + "/" + path)) {
      ::unlinkat(source.get(), name.c_str(), 0);
      continue;
    }
    if (!S_ISDIR(info.st_mode) || !S_ISDIR(there.st_mode)) {
      move_aside(source.get(), path, aside);
      out.push_back(path);
      continue;
    }
    std::vector<std::string> inner;
    for (const auto& entry : fs::directory_iterator(from + "/" + path)) {
      inner.push_back(path + "/" + entry.path().filename().string());
    }
    const auto more = move_data(from, inner, to, aside, pulse);
    out.insert(out.end(), more.begin(), more.end());
    ::unlinkat(source.get(), name.c_str(), AT_REMOVEDIR);
  }
  return out;
}

}  // namespace wrktalk::deploy
