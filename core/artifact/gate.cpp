// SPDX-License-Identifier: Apache-2.0
#include "core/artifact/gate.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/base/visible.hpp"

#include <algorithm>
#include <string_view>
#include <sys/stat.h>

namespace wrktalk::artifact {
namespace {

using base::Error;
using base::Kind;

constexpr std::uint64_t kRatioFrom = 100'000'000;
constexpr std::size_t kLongestName = 255;  // what Linux file systems take

[[noreturn]] void refuse(const std::string& path, const std::string& why, const std::string& hint = {}) {
  constexpr std::size_t kShown = 200;
  const std::string shown = base::one_line(base::scrub_utf8(path.substr(0, kShown)));
  throw Error(Kind::artifact, "refused entry \"" + shown + (path.size() > kShown ? "...\"" : "\"") + ": " + why, hint);
}

/// It would steer the terminal of whoever lists it, or look like another name.
bool is_misleading(std::string_view text) {
  return base::has_hidden(text) || text.find_first_of("\t\n") != std::string_view::npos;
}

/// The path's parts without empty ones and "."; throws for "..".
std::vector<std::string> parts_of(const std::string& path) {
  std::vector<std::string> parts = base::split(path, '/');
  parts.erase(std::remove_if(parts.begin(), parts.end(), [](const auto& part) { return part.empty() || part == "."; }),
              parts.end());
  for (const std::string& part : parts) {
    if (part == "..") refuse(path, "it leads out of the archive (\"..\")");
    if (part.size() > kLongestName)
      refuse(path, "a name in it is longer than " + std::to_string(kLongestName) + " bytes");
  }
  return parts;
}

/// A target stays inside when it climbs only at its beginning, and no higher than the tree's top: the link's own folder is
/// a real one, so the climb ends in a real folder of the tree, and each step down from there meets a folder, a file, or
/// another link of which the same is true.
void check_link(const Header& header, std::size_t depth) {
  const std::string& target = header.link_target;
  const std::string shown = "it is a link to " + base::one_line(base::scrub_utf8(target));
  if (target.empty() || is_misleading(target)) refuse(header.path, "it is a link without a usable target");
  if (target.front() == '/') refuse(header.path, shown + ", an absolute path");
  std::size_t climbs = 0;
  bool climbing = true;
  for (const std::string& part : base::split(target, '/')) {
    if (part.empty() || part == ".") continue;
    climbing = climbing && part == "..";
    if (part == ".." && (!climbing || ++climbs >= depth))
      refuse(header.path, shown + ", which may lead out of the tree");
  }
}

[[noreturn]] void refuse_entries(std::uint64_t limit) {
  throw Error(Kind::artifact, "the archive has more than " + std::to_string(limit) + " entries",
              "pack less, or raise limits.entries or limits.chart_entries (wrktalk config show)");
}

[[noreturn]] void refuse_size(std::uint64_t limit) {
  throw Error(Kind::artifact, "the archive unpacks to more than " + base::human_size(limit),
              "pack less, or raise limits.unpacked_size or limits.chart_unpacked_size (wrktalk config show)");
}

}  // namespace

Limits Limits::of(std::string_view chart_type) const {
  Limits out = *this;
  if (chart_type != "helm") return out;
  out.unpacked_bytes = std::min(unpacked_bytes, chart_unpacked_bytes);
  out.entries = std::min(entries, chart_entries);
  return out;
}

std::optional<Entry> Gate::admit(const Header& header) {
  if (++entries_ > limits_.entries) refuse_entries(limits_.entries);
  const std::string& path = header.path;
  if (path.empty()) refuse(path, "it has no name");
  if (path.size() > limits_.path_bytes) {
    refuse(path, "its path is longer than " + std::to_string(limits_.path_bytes) + " bytes");
  }
  if (is_misleading(path))
    refuse(path, "its name holds control characters or ones that are not shown", "rename it and pack the release anew");
  if (path.front() == '/') refuse(path, "its path is absolute");
  const std::vector<std::string> parts = parts_of(path);
  if (parts.size() > limits_.depth) refuse(path, "it lies deeper than " + std::to_string(limits_.depth) + " folders");

  Entry entry;
  switch (header.type) {
    case Header::Type::hard_link: refuse(path, "it is a hard link", "pack the release with tar --hard-dereference");
    case Header::Type::other: refuse(path, "it is neither a file nor a folder");
    case Header::Type::symbolic_link:
      if (links_ == Links::refused) {
        refuse(path, "it is a symbolic link",
               "pack the release with tar --dereference; only host releases may hold links");
      }
      check_link(header, parts.size());
      entry.type = Entry::Type::link;
      entry.link_target = header.link_target;
      break;
    case Header::Type::folder:
      entry.type = Entry::Type::folder;
      entry.mode = (header.mode & 0755) | 0700;
      break;
    case Header::Type::file:
      if (path.back() == '/') refuse(path, "it is a file with the name of a folder");
      if ((header.mode & (S_ISUID | S_ISGID)) != 0) refuse(path, "it is a setuid or setgid file");
      entry.mode = (header.mode & 0755) | 0600;
      break;
  }
  if (parts.empty()) {
    if (header.type == Header::Type::folder) return std::nullopt;
    refuse(path, "it would replace the top folder");
  }
  entry.path = base::join(parts, "/");
  entry.modified = header.modified;
  if (!names_.add(entry.path, entry.type == Entry::Type::folder)) {
    refuse(path, "the archive names it twice, or uses a file as a folder");
  }
  return entry;
}

void Gate::check_flow(std::uint64_t packed_bytes, std::uint64_t unpacked_bytes) const {
  if (unpacked_bytes > limits_.unpacked_bytes) refuse_size(limits_.unpacked_bytes);
  if (unpacked_bytes > kRatioFrom && unpacked_bytes / limits_.ratio > packed_bytes) {
    throw Error(
        Kind::artifact,
        "the archive unpacks to more than " + std::to_string(limits_.ratio) + " times its size: it looks like a bomb",
        "if it is none, raise limits.ratio (wrktalk config show)");
  }
}

void Gate::check_type(std::string_view chart_type, std::uint64_t unpacked_bytes) const {
  const Limits limits = limits_.of(chart_type);
  if (entries_ > limits.entries) refuse_entries(limits.entries);
  if (unpacked_bytes > limits.unpacked_bytes) refuse_size(limits.unpacked_bytes);
}

}  // namespace wrktalk::artifact
