// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/compose_files.hpp"

#include "core/base/error.hpp"
#include "core/base/files.hpp"
#include "core/base/text.hpp"
#include "core/deploy/compose_model.hpp"
#include "core/deploy/compose_obstacles.hpp"
#include "core/deploy/compose_references.hpp"
#include "core/deploy/folders.hpp"

#include <algorithm>
#include <filesystem>
#include <utility>

namespace wrktalk::deploy::compose {
namespace {

using base::Error;
using base::Kind;
using Path = std::filesystem::path;
using Place = Reading::Place;

constexpr std::size_t kMostFiles = 100;
constexpr std::uint64_t kMostNodes = 200'000;  // of one file: some twenty times what a large one has
constexpr std::size_t kLargestConfig = 64 * 1024 * 1024;

bool leads_out(const Path& folder, const std::string& text) {
  const auto path = (folder / text).lexically_normal();
  return !path.empty() && *path.begin() == "..";
}

bool is_below(const std::string& path, const std::string& folder) {
  return path == folder || base::starts_with(path, folder == "/" ? folder : folder + "/");
}

/// Where a path leads to in the end, as far as it exists: a link that a container made in a folder of its own counts for what it points to.
std::string real(const std::string& path) {
  std::error_code failed;
  const auto found = std::filesystem::weakly_canonical(path, failed);
  return failed ? path : found.string();
}

/// A file as written: its paths begin at `folder`, relative to the release's top.
class AsWritten : public Reading {
 public:
  AsWritten(std::string name, Path folder, const policy::Policy& policy)
      : name_(std::move(name)), folder_(std::move(folder)), policy_(policy) {}

  Place place(const std::string& path) const override {
    if (path.empty() || path.find('$') != std::string::npos) return Place::unknown;
    if (path.front() == '~') return Place::outside;
    if (path.front() != '/') return leads_out(folder_, path) ? Place::outside : Place::inside;
    const std::string plain = Path(path).lexically_normal().string();
    const bool is_data = std::any_of(policy_.data_dirs.begin(), policy_.data_dirs.end(),
                                     [&](const auto& dir) { return is_below(plain, dir); });
    return is_data ? Place::inside : Place::outside;
  }

  std::string at(const yaml::Node& node) const override { return name_ + ":" + std::to_string(node.line) + ": "; }

 private:
  std::string name_;
  Path folder_;
  const policy::Policy& policy_;
};

/// What compose made of all of them.
class AsResolved : public Reading {
 public:
  AsResolved(const std::string& tree, const policy::Policy& policy) : allowed_({real(tree)}) {
    for (const auto& dir : policy.data_dirs) allowed_.push_back(real(dir));
  }

  Place place(const std::string& path) const override {
    if (path.empty()) return Place::unknown;
    const std::string goal = real(path);
    const bool inside = path.front() == '/' && std::any_of(allowed_.begin(), allowed_.end(),
                                                           [&](const auto& dir) { return is_below(goal, dir); });
    return inside ? Place::inside : Place::outside;
  }

  std::string goal(const std::string& path) const override { return real(path); }
  std::string at(const yaml::Node&) const override { return {}; }

 private:
  std::vector<std::string> allowed_;
};

/// A compose file, and where its paths begin.
using Waiting = std::pair<std::string, std::string>;

class Walk {
 public:
  Walk(Files& files, const policy::Policy& policy) : files_(files), policy_(policy) {}

  Walked from(const std::string& name) {
    want(name, Path(name).parent_path(), "");
    while (!waiting_.empty()) {
      const auto now = std::exchange(waiting_, {});
      std::set<std::string> names;
      for (const auto& one : now) names.insert(one.first.first);
      auto texts = files_.read(names);
      for (const auto& [where, by] : now) {
        const auto& [file, folder] = where;
        const auto text = texts.find(file);
        if (text != texts.end()) {
          look(file, folder, text->second);
        } else if (!by.empty()) {
          throw Error(Kind::artifact, by + " names " + base::one_line(file) + ", which is not in the release",
                      "pack that file too, or leave the line out");
        }
      }
      for (auto& [file, text] : texts) out_.models.emplace(file, std::move(text));
    }
    return std::move(out_);
  }

 private:
  /// `by`: what names it and cannot do without it; empty when it may be missing.
  void want(const std::string& name, const Path& folder, const std::string& by) {
    if (!seen_.insert({name, folder.string()}).second) return;
    if (seen_.size() > kMostFiles)
      throw Error(Kind::artifact, "the release's compose files include too many others: " + name, "put them together");
    waiting_.insert({{name, folder.string()}, by});
  }

  void look(const std::string& name, const Path& folder, const std::string& text) {
    const AsWritten reading(name, folder, policy_);
    for (const auto& document : yaml::read(text, name, {kLargestFile, kMostNodes})) {
      Path first = folder;
      for (const auto& reference : references(document.root(), name)) {
        check(name, folder, reference);
        const std::string by = at(name, reference);
        const Path next = (folder / reference.text).lexically_normal();
        if (reference.leads == Reference::Leads::to_data) {
          out_.opened.push_back({next.string(), by, reference});
          continue;
        }
        if (!reference.from_first) first = next.parent_path();
        want(next.string(), first, reference.must_exist ? by : "");
      }
      auto found = judge_model(document.root(), reading, policy_);
      std::move(found.begin(), found.end(), std::back_inserter(out_.findings));
    }
  }

  static std::string at(const std::string& name, const Reference& reference) {
    return name + ":" + std::to_string(reference.line) + ": '" + reference.key + "'";
  }

  static void check(const std::string& name, const Path& folder, const Reference& reference) {
    const std::string& text = reference.text;
    const auto refuse = [&](const std::string& why) {
      throw Error(Kind::artifact, at(name, reference) + " names " + base::one_line(text) + ", which " + why,
                  "name files inside the release by plain relative paths");
    };
    if (text.empty()) return;
    if (text.front() == '/' || text.front() == '~' || text.find("://") != std::string::npos ||
        base::starts_with(text, "git@") || base::starts_with(text, "github.com/")) {
      refuse("is not in the release");
    }
    if (text.find('$') != std::string::npos) refuse("cannot be checked");
    // A profile's path begins at the project's folder, wherever the file lies that names it.
    if (leads_out(folder, text) || (reference.key == "security_opt" && leads_out({}, text)))
      refuse("leads out of the release");
  }

  Files& files_;
  const policy::Policy& policy_;
  std::set<Waiting> seen_;
  std::map<Waiting, std::string> waiting_;
  Walked out_;
};

}  // namespace

const std::vector<std::string>& file_names() {
  static const std::vector<std::string> kNames = {"compose.yaml", "compose.yml", "docker-compose.yaml",
                                                  "docker-compose.yml"};
  return kNames;
}

std::map<std::string, std::string> TreeFiles::read(const std::set<std::string>& names) {
  std::map<std::string, std::string> out;
  for (const auto& name : names) {
    const std::string path = tree_ + "/" + name;
    if (!base::exists(path) || is_folder(path)) continue;
    try {
      out[name] = base::read_file(path, kLargestFile);
    } catch (const Error& e) {
      throw Error(Kind::artifact, e.what(), "keep compose files below " + base::human_size(kLargestFile));
    }
  }
  return out;
}

Walked walk_files(Files& files, const std::string& name, const policy::Policy& policy) {
  return Walk(files, policy).from(name);
}

policy::Findings judge_files(Files& files, const std::string& name, const policy::Policy& policy) {
  return walk_files(files, name, policy).findings;
}

Model::Model(std::string_view printed, bool is_json) {
  const yaml::Limits limits{kLargestConfig, 10'000'000};
  const std::string name = "what compose made of the release";
  documents_ = is_json ? yaml::read_json(printed, name, limits) : yaml::read(printed, name, limits);
}

policy::Findings Model::judge(const std::string& tree, const policy::Policy& policy) const {
  policy::Findings out;
  const AsResolved reading(tree, policy);
  for (const auto& document : documents_) {
    auto found = judge_model(document.root(), reading, policy);
    std::move(found.begin(), found.end(), std::back_inserter(out));
  }
  return out;
}

Claims Model::claims(const std::string& project) const {
  return documents_.empty() ? Claims() : claims_of(documents_.front().root(), project);
}

std::vector<std::string> Model::images() const {
  std::vector<std::string> out;
  for (const auto& service : stack().services) {
    if (!service.image.empty() && std::find(out.begin(), out.end(), service.image) == out.end()) {
      out.push_back(service.image);
    }
  }
  return out;
}

std::vector<std::string> Model::mounted_images() const {
  std::vector<std::string> out;
  for (const auto& document : documents_) {
    for (const auto& [name, node] : services(document.root())) {
      for (const auto* volumes : node->values("volumes")) {
        for (const auto* volume : volumes->items) {
          if (volume->is_mapping() && volume->text_of("type") == "image") out.push_back(volume->text_of("source"));
        }
      }
    }
  }
  return out;
}

Stack Model::stack() const {
  Stack out;
  for (const auto& document : documents_) {
    out.of_format_1 = out.of_format_1 || document.root().text_of("version") == "1";
    for (const auto& [name, node] : services(document.root())) {
      Service service{name->text, node->text_of("image")};
      const auto builds = node->values("build");
      service.is_built = std::any_of(builds.begin(), builds.end(), [](const auto* build) { return !build->is_null(); });
      for (const auto* profiles : node->values("profiles")) {
        for (const auto* profile : scalars(*profiles)) service.profiles.push_back(profile->text);
      }
      out.services.push_back(std::move(service));
    }
  }
  return out;
}

}  // namespace wrktalk::deploy::compose
