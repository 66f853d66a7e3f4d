// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/trees.hpp"

#include "core/base/error.hpp"
#include "core/base/name.hpp"
#include "core/base/text.hpp"
#include "core/base/trust.hpp"
#include "core/deploy/deployer.hpp"
#include "core/deploy/tree_list.hpp"
#include "core/log/log.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <fcntl.h>
#include <filesystem>
#include <map>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace wrktalk::deploy {
namespace {

namespace fs = std::filesystem;
using base::Error;
using base::Fd;
using base::Kind;

constexpr const char* kReleases = "releases";
constexpr const char* kLock = "lock";
constexpr std::string_view kProcess = "process ";
constexpr const char* kAttempt = " attempt ";
constexpr std::size_t kProcFileLimit = 4096;
constexpr const char* kOwner = "owner";
constexpr const char* kRecords = "trees";
constexpr const char* kLists = "lists";
constexpr const char* kOverrides = "overrides";
constexpr std::size_t kPathsShown = 5;

/// What a small file holds, without its line end; nothing when it is not there or is no plain file.
std::optional<std::string> read_at(int folder, const char* name) {
  const Fd file(::openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  std::array<char, 1024> text{};
  const ssize_t n = file ? ::read(file.get(), text.data(), text.size()) : -1;
  if (n < 0) return std::nullopt;
  return base::trim({text.data(), static_cast<std::size_t>(n)});
}

void write_to(const Fd& file, const std::string& text, const std::string& path) {
  const std::string line = text + "\n";
  if (!file || ::ftruncate(file.get(), 0) != 0 ||
      ::pwrite(file.get(), line.data(), line.size(), 0) != static_cast<ssize_t>(line.size())) {
    base::throw_errno(Kind::failed, "cannot write " + path, "check the free space and who owns it");
  }
}

Fd open_file(int folder, const char* name) {
  return Fd(::openat(folder, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644));
}

std::string host_name() {
  std::array<char, HOST_NAME_MAX + 1> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "this machine";
}

bool contains(const std::vector<std::string>& all, const std::string& one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

}  // namespace

Trees::Trees(std::string root, Owner owner, std::string target, TaskTurn turn)
    : root_(std::move(root)),
      folder_(root_ + "/" + kReleases),
      owner_(owner),
      target_(std::move(target)),
      turn_(std::move(turn)) {}

/// A holder that stood still for longer than its lease may have lost the lock to another one.
bool Trees::still_ours() const {
  struct stat held {};
  struct stat there {};
  return ::fstat(lock_.get(), &held) == 0 && ::fstatat(ours_.get(), kLock, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
         held.st_dev == there.st_dev && held.st_ino == there.st_ino;
}

void Trees::own() {
  if (lock_) {
    if (still_ours()) return;
    throw Error(Kind::lease_lost, "the lock on " + root_ + " was taken by " +
                                      base::one_line(read_at(ours_.get(), kLock).value_or("somebody")));
  }
  const Fd root = make_safe_folder(root_, 0755);
  const std::string path = ours();
  trees_ = base::open_own_folder(root.get(), kReleases, folder_, 0755);
  ours_ = base::open_own_folder(root.get(), ".wrktalk", path, 0755);
  records_ = base::open_own_folder(ours_.get(), kRecords, path + "/" + kRecords, 0755);
  lists_ = base::open_own_folder(ours_.get(), kLists, path + "/" + kLists, 0755);
  check_owner();
  lock();
  check_owner();
  if (owner_ == Owner::one_target && !read_at(ours_.get(), kOwner)) {
    base::write_file(path + "/" + kOwner, target_ + "\n", 0644);
  }
}

void Trees::own_soon(base::Pulse& pulse) {
  constexpr std::chrono::seconds kPatience{5};
  constexpr std::chrono::milliseconds kBetweenTries{50};
  const auto until = base::Deadline::in(kPatience);
  for (;;) {
    try {
      own();
      return;
    } catch (const Error& e) {
      if (e.kind() != Kind::busy || until.passed()) throw;
    }
    base::pause(pulse, base::Deadline::in(kBetweenTries));
  }
}

void Trees::check_owner() const {
  if (owner_ == Owner::any || !ours_) return;
  const auto owner = read_at(ours_.get(), kOwner);
  if (!owner || *owner == target_) return;
  const std::string file = ours() + "/" + kOwner;
  throw Error(Kind::configuration, root_ + " belongs to the target " + base::one_line(*owner) + ", not to " + target_,
              "use another folder (WRKTALK_AGENT_HOST_ROOT), or remove " + file + " when that agent is gone for good");
}

/// Whether what the lock says of its holder lets us take it: an earlier holder of the very task that we have now has lost its lease, and a process
/// that was stopped (frozen) cannot let go. A later holder has taken the task from us.
bool Trees::may_be_taken(const std::string& holder) const {
  const std::string of_task = ", task " + turn_.task_id + kAttempt;
  if (const std::size_t at = holder.find(of_task); at != std::string::npos) {
    const long attempt = std::strtol(holder.c_str() + at + of_task.size(), nullptr, 10);
    if (attempt > turn_.attempt) throw Error(Kind::lease_lost, "the task was taken over by " + base::one_line(holder));
    return attempt < turn_.attempt;
  }
  const std::string host = " on " + host_name() + ",";
  if (!base::starts_with(holder, kProcess) || holder.find(host) == std::string::npos) return false;
  const auto stat = base::read_file_if_exists(
      "/proc/" + std::to_string(std::strtol(holder.c_str() + kProcess.size(), nullptr, 10)) + "/stat", kProcFileLimit);
  // The state is the field after the program's name, which stands in brackets and may hold anything.
  const std::size_t bracket = stat ? stat->rfind(')') : std::string::npos;
  return bracket != std::string::npos && bracket + 2 < stat->size() && ((*stat)[bracket + 2] == 'T');
}

void Trees::lock() {
  const std::string path = ours() + "/" + kLock;
  const auto open = [&] {
    Fd file = open_file(ours_.get(), kLock);
    if (!file) base::throw_errno(Kind::configuration, "cannot open " + path, "remove it when it is no plain file");
    return file;
  };
  Fd file = open();
  bool locked = ::flock(file.get(), LOCK_EX | LOCK_NB) == 0;
  if (!locked && errno != EWOULDBLOCK) base::throw_errno(Kind::configuration, "cannot lock " + path);
  if (!locked) {
    const std::string holder = read_at(ours_.get(), kLock).value_or("somebody");
    if (may_be_taken(holder)) {
      log::warn("deploy.lock", "taking the lock on " + root_ + " from " + base::one_line(holder));
      ::unlinkat(ours_.get(), kLock, 0);
      file = open();
      locked = ::flock(file.get(), LOCK_EX | LOCK_NB) == 0;
    }
    if (!locked) {
      throw Error(Kind::busy, root_ + " is in use by " + base::one_line(holder),
                  "wait until it has ended, or end that process when it hangs");
    }
  }
  write_to(file,
           std::string(kProcess) + std::to_string(::getpid()) + " on " + host_name() + ", task " + turn_.task_id +
               kAttempt + std::to_string(turn_.attempt) + " of " + target_,
           path);
  lock_ = std::move(file);
}

std::string Trees::home(const std::string& version, const Places& in_use) {
  check_version(version);
  bool runs = false;
  for (const auto& name : entries(folder_)) {
    runs = runs || (version_in(name) == version && in_use.are_in(path_of(name)));
  }
  for (int n = 1;; ++n) {
    const std::string name = n == 1 ? version : version + "~" + std::to_string(n);
    if (in_use.are_in(path_of(name))) continue;
    if (base::exists(path_of(name)) && (runs || !maker(name) || !is_folder(path_of(name)))) continue;
    record(name);
    return path_of(name);
  }
}

void Trees::record(const std::string& name) {
  const std::string path = ours() + "/" + kRecords + "/" + name;
  const Fd file = open_file(records_.get(), name.c_str());
  write_to(file, "task " + turn_.task_id, path);
  if (::fsync(file.get()) != 0 || ::fsync(records_.get()) != 0) base::throw_errno(Kind::failed, "cannot write " + path);
}

std::optional<std::string> Trees::maker(const std::string& name) const { return read_at(records_.get(), name.c_str()); }

bool Trees::made_by_task(const std::string& name) const { return maker(name) == "task " + turn_.task_id; }

void Trees::forget(const std::string& name) const {
  ::unlinkat(lists_.get(), name.c_str(), 0);
  ::unlink(override_of(name).c_str());
  ::unlinkat(records_.get(), name.c_str(), 0);
}

std::string Trees::overrides() const { return ours() + "/" + kOverrides; }
std::string Trees::override_of(const std::string& name) const { return overrides() + "/" + name + ".yml"; }

std::string Trees::write_override(const std::string& name, const std::string& text) const {
  base::open_own_folder(ours_.get(), kOverrides, overrides(), 0755);
  base::write_file(override_of(name), text, 0644);
  return override_of(name);
}

std::optional<std::string> Trees::list_of(const std::string& tree) const {
  const auto name = name_at(tree);
  if (!name) return std::nullopt;
  return ours() + "/" + kLists + "/" + *name;
}

void Trees::note_contents(const std::string& tree, base::Pulse& pulse) const {
  if (const auto list = list_of(tree)) write_tree_list(tree, *list, pulse);
}

std::vector<std::string> Trees::changed(const std::string& tree, base::Pulse& pulse) const {
  const auto list = list_of(tree);
  if (!list) return {};
  return changed_in_tree(tree, *list, pulse).value_or(std::vector<std::string>{});
}

void Trees::Restored::require_whole(const std::string& version) const {
  if (problem.empty()) return;
  throw Error(Kind::failed, version + " runs again, but " + words + ": " + problem,
              "restore these files from the release: wrktalk release export " + version + " FOLDER");
}

Trees::Restored Trees::restore_contents(const std::string& tree, const std::optional<std::string>& stored,
                                        base::Pulse& pulse) const {
  const auto paths = changed(tree, pulse);
  if (paths.empty()) return {};
  std::vector<std::string> shown(paths.begin(),
                                 paths.begin() + static_cast<std::ptrdiff_t>(std::min(paths.size(), kPathsShown)));
  if (shown.size() < paths.size()) shown.push_back("...");
  const std::string what = std::to_string(paths.size()) + " of its files were changed on this machine (" +
                           base::one_line(base::scrub_utf8(base::join(shown, ", "))) + ")";
  if (!stored) return {what + " and stay so: the release is not stored any more", {}};
  const std::string aside = aside_for(*name_at(tree));
  try {
    restore_in_tree(tree, paths, *stored, aside);
  } catch (const Error& e) {
    return {what + " and could not all be restored", e.what()};
  }
  return {what + " and are again as stored; what they were lies in " + aside, {}};
}

void Trees::tidy(const std::vector<std::string>& keep, const Places& in_use, base::Pulse& pulse) {
  const auto stay = spares(keep, in_use);
  const auto recorded = entries(ours() + "/" + kRecords);
  const auto aside = [](const std::string& name) { return "." + name + ".removed"; };
  const auto is_there = [&](const std::string& name) {
    struct stat info {};
    return ::fstatat(trees_.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0;
  };
  for (const auto& name : recorded) {
    // One that could not be removed whole the last time is in the way.
    if (contains(stay, name) || in_use.are_in(path_of(name)) || is_there(aside(name))) continue;
    own();
    if (::renameat(trees_.get(), name.c_str(), trees_.get(), aside(name).c_str()) != 0 && errno != ENOENT) {
      log::warn("deploy.tidy", "cannot remove " + path_of(name));
    } else if (!is_there(aside(name))) {
      forget(name);
    }
  }
  // What takes long is out of everybody's way by now: the next task need not wait.
  lock_.reset();
  for (const auto& name : recorded) {
    if (!is_there(aside(name))) continue;
    if (!remove_in_steps(trees_.get(), aside(name), pulse)) {
      log::warn("deploy.tidy", "cannot remove all of " + path_of(aside(name)));
    } else if (!is_there(name)) {
      forget(name);
    }
  }
}

std::vector<std::string> Trees::spares(const std::vector<std::string>& keep, const Places& in_use) const {
  std::map<std::string, std::pair<timespec, std::string>> newest;
  std::vector<std::string> running;  // a version that runs needs no other tree
  for (const auto& name : entries(folder_)) {
    const auto version = version_in(name);
    if (version && in_use.are_in(path_of(name))) running.push_back(*version);
  }
  const auto is_older = [](const timespec& a, const timespec& b) {
    return a.tv_sec != b.tv_sec ? a.tv_sec < b.tv_sec : a.tv_nsec < b.tv_nsec;
  };
  for (const auto& name : entries(ours() + "/" + kRecords)) {
    const auto version = version_in(name);
    struct stat info {};
    if (!version || !contains(keep, *version) || contains(running, *version) || !is_folder(path_of(name)) ||
        in_use.are_in(path_of(name)) || ::fstatat(records_.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
      continue;
    }
    auto& best = newest[*version];
    // What this task made last may be what has just failed: another one is better, but it is better than none.
    const bool replaces =
        best.second.empty() || made_by_task(best.second) || (!made_by_task(name) && is_older(best.first, info.st_mtim));
    if (replaces) best = {info.st_mtim, name};
  }
  std::vector<std::string> names;
  for (const auto& [version, best] : newest) names.push_back(best.second);
  return names;
}

std::optional<std::string> Trees::name_at(const std::string& path) const {
  std::error_code error;
  const fs::path folder = fs::weakly_canonical(folder_, error);
  const fs::path way = fs::weakly_canonical(path, error).lexically_relative(folder);
  if (error || way.empty() || *way.begin() == ".." || *way.begin() == ".") return std::nullopt;
  return way.begin()->string();
}

std::optional<std::string> Trees::version_in(const std::string& name) {
  const std::size_t tilde = name.rfind('~');
  const bool numbered = tilde != std::string::npos && tilde + 1 < name.size() &&
                        name.find_first_not_of("0123456789", tilde + 1) == std::string::npos;
  std::string version = numbered ? name.substr(0, tilde) : name;
  if (!base::is_version(version)) return std::nullopt;
  return version;
}

}  // namespace wrktalk::deploy
