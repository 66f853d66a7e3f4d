// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/compose_data.hpp"

#include "core/base/files.hpp"
#include "core/base/text.hpp"
#include "core/deploy/compose_way_back.hpp"

#include <algorithm>

namespace wrktalk::deploy::compose {
namespace {

using Paths = std::vector<std::string>;

/// The tree that the container which was made last comes from: what an older wrktalk, which noted nothing, brought up.
std::vector<std::string> tree_that_runs(const Trees& trees, const Containers& now) {
  const WayBack way = way_back(now, trees.overrides());
  const auto name = way.files.empty() ? std::nullopt : trees.name_at(way.files.front());
  return name ? std::vector<std::string>{*name} : std::vector<std::string>{};
}

/// Without a list of what was unpacked: what containers mount from there and the new tree does not have.
Paths mounted_data(const std::string& folder, const std::string& goal, const Containers& now) {
  Paths out;
  for (const auto& container : now) {
    for (const auto& source : container.mounts) {
      if (!base::starts_with(source, folder + "/")) continue;
      const std::string path = source.substr(folder.size() + 1);
      if (base::exists(source) && !base::exists(goal + "/" + path) &&
          std::find(out.begin(), out.end(), path) == out.end())
        out.push_back(path);
    }
  }
  return out;
}

bool lies_in(const std::string& path, const std::string& folder) { return base::starts_with(path, folder + "/"); }

/// The paths of `kept` that `tree` has, too, become data of it, whatever its archive brought there.
void add_kept(const Trees& trees, const std::string& tree, const Paths& kept, Paths& data) {
  const std::string top = trees.top_of(tree);
  const std::string below = top == tree ? "" : top.substr(tree.size() + 1) + "/";
  Paths there;
  std::copy_if(kept.begin(), kept.end(), std::back_inserter(there),
               [&](const std::string& path) { return base::exists(top + "/" + path); });
  trees.let_go(tree, top, there);
  for (const auto& path : there) {
    const std::string whole = below + path;
    data.erase(std::remove_if(data.begin(), data.end(), [&](const auto& one) { return lies_in(one, whole); }),
               data.end());
    const bool is_covered =
        std::any_of(data.begin(), data.end(), [&](const auto& one) { return one == whole || lies_in(whole, one); });
    if (!is_covered) data.push_back(whole);
  }
}

bool loses_sight(const Container& container, const std::string& path) {
  return container.status == "running" &&
         std::any_of(container.mounts.begin(), container.mounts.end(),
                     [&](const auto& source) { return base::starts_with(path, source + "/"); });
}

}  // namespace

std::string carry_data(const Trees& trees, const std::string& place, const Paths& keep, const Containers& now,
                       const Engine& engine, std::chrono::milliseconds timeout, base::Pulse& pulse) {
  const auto goal = trees.name_at(place);
  if (!goal) return {};
  const std::string tree = trees.folder() + "/" + *goal;
  auto sources = trees.data_trees();
  if (sources.empty()) sources = tree_that_runs(trees, now);
  if (!keep.empty()) trees.note_kept(trees.kept_with(keep));
  // A release that says nothing of data gets what others kept.
  const Paths kept = keep.empty() ? trees.kept_with({}) : keep;
  trees.let_go(tree, trees.top_of(tree), kept);
  Trees::Data data;
  Containers blind;
  for (const auto& name : sources) {
    if (name == *goal) continue;
    const std::string folder = trees.folder() + "/" + name;
    const auto listed = trees.data_of(name, pulse);
    data[name] = listed ? *listed : mounted_data(folder, tree, now);
    add_kept(trees, folder, kept, data[name]);
    for (const auto& path : data[name]) {
      for (const auto& container : now) {
        const bool is_known =
            std::any_of(blind.begin(), blind.end(), [&](const auto& one) { return one.id == container.id; });
        if (!is_known && loses_sight(container, folder + "/" + path)) blind.push_back(container);
      }
    }
  }
  engine.stop(blind, timeout, pulse);
  return trees.move_data_to(tree, data, kept, pulse);
}

}  // namespace wrktalk::deploy::compose
