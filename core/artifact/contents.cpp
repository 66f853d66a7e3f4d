// SPDX-License-Identifier: Apache-2.0
#include "core/artifact/contents.hpp"

#include "core/artifact/manifest_file.hpp"
#include "core/base/error.hpp"
#include "core/base/target_kind.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <array>

namespace wrktalk::artifact {
namespace {

using base::Error;
using base::Kind;

constexpr std::string_view kChartFile = "Chart.yaml";
constexpr std::array<std::string_view, 4> kComposeFiles = {"compose.yaml", "compose.yml", "docker-compose.yaml",
                                                           "docker-compose.yml"};

constexpr const char* kTypeHint = "pass --type host to store it as a tree for a plain host";

}  // namespace

void Contents::entry(const Entry& entry) {
  if (entries_++ == 0) first_ = entry.path;
  const std::string_view path = entry.path;
  const std::size_t slash = path.find('/');
  const std::string_view top = path.substr(0, slash);
  if (top_.empty()) top_ = top;
  one_top_ = one_top_ && top == top_;
  if (entry.type == Entry::Type::link && first_link_.empty()) first_link_ = entry.path;
  const std::string_view name = slash == std::string_view::npos ? path : path.substr(slash + 1);
  Marks& marks = slash == std::string_view::npos ? at_root_ : below_;
  const bool is_file = entry.type == Entry::Type::file;
  marks.manifest = marks.manifest || (is_file && name == kManifestFile);
  marks.odd_manifest = marks.odd_manifest || (!is_file && name == kManifestFile);
  if (!is_file) return;
  marks.chart = marks.chart || name == kChartFile;
  const auto known = std::find(kComposeFiles.begin(), kComposeFiles.end(), name);
  if (known != kComposeFiles.end())
    marks.compose = std::min(marks.compose, static_cast<std::size_t>(known - kComposeFiles.begin()));
}

bool Contents::is_at_root() const { return !one_top_ || at_root_.chart || at_root_.has_compose(); }

std::string Contents::compose_file() const {
  const Marks& has = marks();
  if (!has.has_compose()) return {};
  const std::string name(kComposeFiles[has.compose]);
  return at_root_.has_compose() ? name : top_ + "/" + name;
}

std::string Contents::manifest_file() const {
  const std::string name = is_at_root() ? kManifestFile : top_ + "/" + kManifestFile;
  if (marks().odd_manifest)
    throw Error(Kind::artifact, base::one_line(base::scrub_utf8(name)) + " is no file", "put the file itself there");
  return marks().manifest ? name : std::string();
}

std::string Contents::without_links(const char* type) const {
  if (first_link_.empty()) return type;
  throw Error(Kind::artifact,
              "a " + std::string(type) +
                  " release may not hold symbolic links: " + base::one_line(base::scrub_utf8(first_link_)),
              "pack it with tar --dereference");
}

namespace {

/// A type that asks nothing of the archive.
std::string known_type(const std::string& wanted) {
  std::vector<std::string> types;
  for (const auto& kind : base::kTargetKinds) types.emplace_back(kind.chart_type);
  if (std::find(types.begin(), types.end(), wanted) != types.end()) return wanted;
  throw Error(Kind::usage, "unknown release type " + wanted, "pass one of " + base::join(types, ", "));
}

}  // namespace

std::string Contents::found() const {
  return "found " + std::to_string(entries_) + (entries_ == 1 ? " entry, " : " entries, the first is ") +
         base::one_line(base::scrub_utf8(first_));
}

std::string Contents::chart_type(const std::optional<std::string>& wanted) const {
  const Marks& has = marks();
  if (wanted == "helm" || (!wanted && has.chart && !has.has_compose())) {
    if (has.chart) return without_links("helm");
    throw Error(Kind::artifact, "no Chart.yaml at the root or in the one top-level folder: " + found(),
                "pack the chart with `helm package`");
  }
  if (wanted == "compose" || (!wanted && has.has_compose() && !has.chart)) {
    if (has.has_compose()) return without_links("compose");
    throw Error(Kind::artifact, "no compose file at the root or in the one top-level folder: " + found(),
                "name it compose.yaml or docker-compose.yml");
  }
  if (wanted) return known_type(*wanted);
  if (has.chart) {
    throw Error(Kind::artifact, "both a Chart.yaml and a compose file are there", "say which with --type");
  }
  throw Error(Kind::artifact, "neither a Helm chart nor a compose bundle: " + found(), kTypeHint);
}

}  // namespace wrktalk::artifact
