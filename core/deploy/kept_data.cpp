// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/kept_data.hpp"

#include "core/base/crash_point.hpp"
#include "core/base/error.hpp"
#include "core/base/files.hpp"
#include "core/base/text.hpp"
#include "core/deploy/folders.hpp"
#include "core/deploy/tree_list.hpp"

#include <algorithm>
#include <fcntl.h>
#include <filesystem>
#include <iterator>
#include <sys/stat.h>
#include <unistd.h>

namespace wrktalk::deploy {
namespace {

namespace fs = std::filesystem;
using base::Error;
using base::Kind;

constexpr const char* kBrought = ".wrktalk-release";
constexpr const char* kPart = ".wrktalk-part";

bool is_there(const std::string& path) noexcept {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0;
}

bool is_link(const std::string& path) noexcept {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0 && S_ISLNK(info.st_mode);
}

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

/// The first part of `path` below `root`, itself left out, that is a link or no folder; nothing when all are folders or missing.
std::optional<std::string> odd_parent(const std::string& root, const std::string& path) {
  std::string done;
  for (const auto& part : base::split(parent_of(path), '/')) {
    if (part.empty()) continue;
    done += (done.empty() ? "" : "/") + part;
    struct stat info {};
    if (::lstat((root + "/" + done).c_str(), &info) == 0 && !S_ISDIR(info.st_mode)) return done;
  }
  return std::nullopt;
}

void make_parents(const std::string& root, const std::string& path) {
  const std::string parent = parent_of(path);
  base::make_directories(parent.empty() ? root : root + "/" + parent, 0755);
}

void make_link(const std::string& text, const std::string& path) {
  if (::symlink(text.c_str(), path.c_str()) != 0 && errno != EEXIST)
    base::throw_errno(Kind::failed, "cannot make the link " + path, "check the free space and who owns it");
}

/// Drives the pulse between two entries. Throws fs::filesystem_error, and what the pulse throws.
void copy_tree(const fs::path& from, const fs::path& to, base::Pulse& pulse) {
  constexpr auto kAsTheyAre = fs::copy_options::copy_symlinks;
  if (!fs::is_directory(fs::symlink_status(from))) return fs::copy(from, to, kAsTheyAre);
  fs::create_directory(to, from);
  for (const auto& entry : fs::recursive_directory_iterator(from)) {
    pulse.tick();
    const fs::path place = to / entry.path().lexically_relative(from);
    if (fs::is_directory(entry.symlink_status())) {
      fs::create_directory(place, entry.path());
    } else {
      fs::copy(entry.path(), place, kAsTheyAre);
    }
  }
}

std::string shown(const std::vector<std::string>& paths) { return base::one_line(base::join(paths, ", ")); }

}  // namespace

std::string KeptData::link_text(const std::string& tree_root, const std::string& path) const {
  std::string text;
  const std::string below = tree_root.substr(root_.size() + 1) + "/" + path;
  for (auto n = std::count(below.begin(), below.end(), '/'); n > 0; --n) text += "../";
  return text + "data/" + path;
}

void KeptData::link_into(const std::string& tree, const std::vector<std::string>& keep) const {
  if (!trees_.name_at(tree)) return;
  const std::string top = trees_.top_of(tree);
  for (const auto& path : trees_.kept_with(keep)) {
    const std::string place = top + "/" + path;
    const std::string text = link_text(top, path);
    const bool is_meant = std::find(keep.begin(), keep.end(), path) != keep.end();
    if (const auto odd = odd_parent(top, path)) {
      if (!is_meant) continue;
      throw Error(Kind::artifact, "the release keeps " + path + ", and its " + *odd + " is no folder",
                  "keep the folder that it leads to instead");
    }
    if (is_link(place) && fs::read_symlink(place) == text) continue;
    if (is_there(place)) {
      // What a release with a list of its own does not name there is the release's.
      if (!is_meant && !keep.empty()) continue;
      const std::string aside = top + "/" + kBrought;
      make_parents(aside, path);
      std::error_code error;
      fs::rename(place, aside + "/" + path, error);
      if (error) throw Error(Kind::failed, "cannot move " + place + ": " + error.message());
    }
    make_parents(top, path);
    make_link(text, place);
  }
}

std::vector<std::string> KeptData::moved_from(const std::string& running, const std::vector<std::string>& paths,
                                              base::Pulse& pulse) const {
  const auto name = trees_.name_at(running);
  if (!name || !trees_.is_ours(*name)) return {};
  const std::string top = trees_.top_of(running);
  std::vector<std::string> present;
  std::copy_if(paths.begin(), paths.end(), std::back_inserter(present), [&](const std::string& path) {
    return !odd_parent(top, path) && is_there(top + "/" + path) && !is_link(top + "/" + path);
  });
  if (present.empty()) return {};
  // From now on it is nothing that a put-back would restore.
  trees_.let_go(running, top, present);
  base::crash_point("data-noted");
  move_data(top, present, data(), trees_.aside_for(*name), pulse);
  base::crash_point("data-moved");
  return present;
}

bool KeptData::seed(const std::string& tree_root, const std::string& path, base::Pulse& pulse) const {
  const std::string place = data() + "/" + path;
  if (is_there(place)) return false;
  make_parents(data(), path);
  const std::string brought = tree_root + "/" + kBrought + "/" + path;
  const bool is_file = path.substr(path.rfind('/') + 1).find('.', 1) != std::string::npos;
  if (!is_there(brought) || is_link(brought)) {
    if (!is_file) base::make_directories(place, 0755);
    return false;
  }
  const std::string part = data() + "/" + kPart;
  base::remove_tree(part);
  try {
    copy_tree(brought, part, pulse);
    const base::Fd folder(::open(data().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (folder) ::syncfs(folder.get());
    base::crash_point("data-copied");
    fs::rename(part, place);
  } catch (const fs::filesystem_error& e) {
    throw Error(Kind::failed, "cannot copy " + brought + " to " + place + ": " + e.code().message());
  }
  return true;
}

std::string KeptData::provide(const std::string& tree, const std::vector<std::string>& keep,
                              const std::optional<std::string>& running, base::Pulse& pulse) const {
  const auto paths = trees_.kept_with(keep);
  if (paths.empty() || !trees_.name_at(tree)) return {};
  base::make_directories(data(), 0755);
  trees_.note_kept(paths);
  std::vector<std::string> moved;
  if (running) {
    moved = moved_from(*running, keep, pulse);
    mend(*running);
    base::crash_point("data-linked");
  }
  const std::string top = trees_.top_of(tree);
  std::vector<std::string> seeded;
  std::copy_if(keep.begin(), keep.end(), std::back_inserter(seeded),
               [&](const std::string& path) { return seed(top, path, pulse); });
  base::fsync_directory(data());
  std::string words;
  if (!moved.empty()) words = "data was moved out of the release's tree to " + data() + ": " + shown(moved);
  if (!seeded.empty())
    words += (words.empty() ? "" : "; ") + std::string("the site's data begins with what the release brings: ") +
             shown(seeded);
  return words;
}

void KeptData::mend(const std::string& tree) const {
  const auto name = trees_.name_at(tree);
  if (!name || !trees_.is_ours(*name) || !is_folder(tree)) return;
  const std::string top = trees_.top_of(tree);
  for (const auto& path : trees_.kept_with({})) {
    if (is_there(top + "/" + path) || odd_parent(top, path) || !is_there(data() + "/" + path)) continue;
    make_parents(top, path);
    make_link(link_text(top, path), top + "/" + path);
  }
}

std::vector<std::string> KeptData::places() const {
  std::vector<std::string> out;
  for (const auto& path : trees_.kept_with({})) out.push_back(data() + "/" + path);
  return out;
}

}  // namespace wrktalk::deploy
