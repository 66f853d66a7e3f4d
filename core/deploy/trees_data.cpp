// SPDX-License-Identifier: Apache-2.0
#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/deploy/tree_list.hpp"
#include "core/deploy/trees.hpp"

#include <algorithm>
#include <filesystem>
#include <sys/stat.h>

/// What of the trees is data: found, noted, moved.
namespace wrktalk::deploy {
namespace {

namespace fs = std::filesystem;
using base::Error;
using base::Kind;

constexpr const char* kRecords = "trees";
constexpr const char* kChanged = "changed";
constexpr const char* kData = "data";
constexpr const char* kKept = "kept";
constexpr std::size_t kSmallFile = 1 << 20;
constexpr std::size_t kPathsShown = 5;

bool lies_in(const std::string& path, const std::string& folder) { return base::starts_with(path, folder + "/"); }

bool contains(const std::vector<std::string>& all, const std::string& one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

}  // namespace

std::optional<std::vector<std::string>> Trees::data_of(const std::string& name, base::Pulse& pulse) const {
  return data_in_tree(path_of(name), *list_of(path_of(name)), pulse);
}

std::vector<std::string> Trees::with_data(base::Pulse& pulse) const {
  std::vector<std::string> names;
  for (const auto& name : entries(ours() + "/" + kRecords)) {
    if (!is_folder(path_of(name))) continue;
    const auto data = data_of(name, pulse);
    if (data && !data->empty()) names.push_back(name);
  }
  return names;
}

std::vector<std::string> Trees::data_trees() const {
  std::vector<std::string> names;
  for (auto& name :
       base::split(base::trim(base::read_file_if_exists(ours() + "/" + kData, kSmallFile).value_or("")), ' ')) {
    if (version_in(name) && is_folder(path_of(name))) names.push_back(std::move(name));
  }
  return names;
}

void Trees::note_data_trees(const std::vector<std::string>& names) const {
  base::write_file(ours() + "/" + kData, base::join(names, " ") + "\n", 0644);
}

/// Data that lies in the one folder of an archive goes to the one folder of the other, whatever they are called.
std::vector<std::string> Trees::move_between(const std::string& from, const std::vector<std::string>& paths,
                                             const std::string& to, const std::string& aside,
                                             base::Pulse& pulse) const {
  const std::string top = top_of(from);
  if (top == from || top_of(to) == to) return move_data(from, paths, to, aside, pulse);
  const std::string prefix = top.substr(from.size() + 1) + "/";
  std::vector<std::string> inside;
  std::vector<std::string> beside;
  for (const auto& path : paths) {
    if (base::starts_with(path, prefix))
      inside.push_back(path.substr(prefix.size()));
    else
      beside.push_back(path);
  }
  auto out = move_data(top, inside, top_of(to), aside, pulse);
  const auto more = move_data(from, beside, to, aside, pulse);
  out.insert(out.end(), more.begin(), more.end());
  return out;
}

/// What the tree `to` brings itself where data of `from` belongs goes out of the way; one rename, so that all of it is there or nothing.
void Trees::clear_way(const std::string& from, const std::string& to, const std::vector<std::string>& kept) const {
  const std::string aside = aside_for(*name_at(to));
  for (const auto& path : kept) {
    const std::string place = top_of(to) + "/" + path;
    struct stat info {};
    if (!base::exists(top_of(from) + "/" + path) || ::lstat(place.c_str(), &info) != 0) continue;
    std::string goal = aside + "/" + path;
    while (base::exists(goal)) goal += "~";
    base::make_directories(fs::path(goal).parent_path().string(), 0700);
    if (::rename(place.c_str(), goal.c_str()) != 0) base::throw_errno(Kind::failed, "cannot move " + place);
  }
}

std::string Trees::move_data_to(const std::string& to, const Data& from, const std::vector<std::string>& kept,
                                base::Pulse& pulse) const {
  const std::string goal = *name_at(to);
  std::vector<std::string> noted = data_trees();
  if (!contains(noted, goal)) noted.push_back(goal);
  std::vector<std::string> moved;
  std::vector<std::string> aside;
  for (const auto& [name, paths] : from) {
    if (paths.empty()) continue;
    if (!contains(noted, name)) noted.insert(noted.begin(), name);
    note_data_trees(noted);
    const std::string place = aside_for(name);
    clear_way(path_of(name), to, kept);
    for (auto& path : move_between(path_of(name), paths, to, place, pulse)) aside.push_back(place + "/" + path);
    moved.insert(moved.end(), paths.begin(), paths.end());
  }
  if (data_trees() != std::vector<std::string>{goal}) note_data_trees({goal});
  if (moved.empty()) return {};
  const auto shown = [](const std::vector<std::string>& all) {
    std::vector<std::string> some(all.begin(),
                                  all.begin() + static_cast<std::ptrdiff_t>(std::min(all.size(), kPathsShown)));
    if (some.size() < all.size()) some.push_back("...");
    return base::one_line(base::scrub_utf8(base::join(some, ", ")));
  };
  return "data that is not part of a release was carried over: " + shown(moved) +
         (aside.empty() ? "" : "; what the release brings itself lies in " + shown(aside));
}

std::vector<std::string> Trees::kept_with(const std::vector<std::string>& keep) const {
  std::vector<std::string> all = keep;
  const auto noted = base::read_file_if_exists(ours() + "/" + kKept, kSmallFile).value_or("");
  for (const auto& path : base::split(noted, '\n')) {
    if (path.empty() || std::any_of(keep.begin(), keep.end(), [&](const std::string& one) {
          return one == path || lies_in(one, path) || lies_in(path, one);
        }))
      continue;
    all.push_back(path);
  }
  return all;
}

void Trees::note_kept(const std::vector<std::string>& paths) const {
  auto all = kept_with(paths);
  std::sort(all.begin(), all.end());
  const std::string file = ours() + "/" + kKept;
  const std::string text = base::join(all, "\n") + "\n";
  if (base::read_file_if_exists(file, kSmallFile) != text) base::write_file(file, text, 0644);
}

void Trees::let_go(const std::string& tree, const std::string& top, const std::vector<std::string>& paths) const {
  const auto list = list_of(tree);
  if (!list) return;
  const std::string below = top == tree ? "" : top.substr(tree.size() + 1) + "/";
  std::vector<std::string> listed;
  for (const auto& path : paths) listed.push_back(below + path);
  drop_from_list(*list, listed);
}

std::string Trees::top_of(const std::string& tree) const {
  const auto list = list_of(tree);
  auto top = list ? top_in_list(*list) : std::nullopt;
  if (!top) {
    const auto names = entries(tree);
    top = names.size() == 1 && is_folder(tree + "/" + names.front()) ? names.front() : "";
  }
  return top->empty() ? tree : tree + "/" + *top;
}

std::string Trees::aside_for(const std::string& name) const {
  return ours() + "/" + kChanged + "/" + turn_.task_id + "/" + name;
}

}  // namespace wrktalk::deploy
