// SPDX-License-Identifier: Apache-2.0
#include "core/release_manifest/version_order.hpp"

#include "core/base/error.hpp"
#include "core/base/name.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <array>
#include <regex>

namespace wrktalk::release_manifest {
namespace {

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_letter(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// One part of a version. The kinds stand in their order; `end` is what a version that is over has there.
struct Part {
  enum class Kind { word_before, end, word_after, number };
  Kind kind = Kind::end;
  std::string text{};  ///< a number without leading zeros, a word in lower case
};

bool is_early(const std::string& word) {
  static constexpr std::array<std::string_view, 8> kEarly = {"alpha", "beta",    "dev", "m",
                                                             "pre",   "preview", "rc",  "snapshot"};
  return std::find(kEarly.begin(), kEarly.end(), word) != kEarly.end();
}

std::vector<Part> parts_of(std::string_view version) {
  if (!version.empty() && (version.front() == 'v' || version.front() == 'V')) version.remove_prefix(1);
  version = version.substr(0, version.find('+'));
  std::vector<Part> parts;
  char before = '.';
  while (!version.empty()) {
    const bool number = is_digit(version.front());
    const auto end =
        std::find_if(version.begin(), version.end(), [&](char c) { return number ? !is_digit(c) : !is_letter(c); });
    std::string text(version.begin(), end);
    if (text.empty()) {
      before = version.front();
      version.remove_prefix(1);
      continue;
    }
    version.remove_prefix(text.size());
    if (number) {
      text.erase(0, std::min(text.find_first_not_of('0'), text.size()));
      parts.push_back({Part::Kind::number, text});
    } else {
      std::transform(text.begin(), text.end(), text.begin(),
                     [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
      const bool early = before == '-' || before == '~' || is_early(text);
      parts.push_back({early ? Part::Kind::word_before : Part::Kind::word_after, text});
    }
    before = '.';
  }
  // 2.0 is 2.0.0, and 2.0-rc1 comes before both: zeros that nothing but words follow are left out.
  std::vector<Part> plain;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto next = std::find_if(parts.begin() + static_cast<std::ptrdiff_t>(i), parts.end(), [](const Part& part) {
      return part.kind != Part::Kind::number || !part.text.empty();
    });
    const bool is_zero = parts[i].kind == Part::Kind::number && parts[i].text.empty();
    const bool ends_there = next == parts.end() || next->kind != Part::Kind::number;
    if (!(is_zero && ends_there && !plain.empty() && plain.back().kind == Part::Kind::number))
      plain.push_back(parts[i]);
  }
  return plain;
}

int sign_of(int difference) noexcept { return difference < 0 ? -1 : difference > 0 ? 1 : 0; }

int compare(const Part& a, const Part& b) {
  if (a.kind != b.kind) return a.kind < b.kind ? -1 : 1;
  if (a.kind == Part::Kind::number && a.text.size() != b.text.size()) return a.text.size() < b.text.size() ? -1 : 1;
  return sign_of(a.text.compare(b.text));
}

}  // namespace

bool is_ordered(std::string_view version) noexcept {
  if (!version.empty() && (version.front() == 'v' || version.front() == 'V')) version.remove_prefix(1);
  return !version.empty() && is_digit(version.front());
}

int compare_versions(std::string_view a, std::string_view b) {
  const auto left = parts_of(a);
  const auto right = parts_of(b);
  for (std::size_t i = 0; i < std::max(left.size(), right.size()); ++i) {
    const int order = compare(i < left.size() ? left[i] : Part{}, i < right.size() ? right[i] : Part{});
    if (order != 0) return order;
  }
  return 0;
}

VersionRange VersionRange::parse(const std::string& text) {
  static const std::regex kForm("(>=|<=|>|<|=) *(.+)");
  VersionRange range;
  for (const auto& piece : base::split(text, ',')) {
    const std::string one = base::trim(piece);
    std::smatch match;
    if (!std::regex_match(one, match, kForm) || !base::is_version(match[2].str()) || !is_ordered(match[2].str())) {
      throw base::Error(base::Kind::usage, "\"" + base::one_line(base::scrub_utf8(one)) + "\" is no range of versions",
                        "write it like >=1.4 or >=1.4,<2");
    }
    const std::string sign = match[1];
    const Is is = sign == ">="   ? Is::at_least
                  : sign == ">"  ? Is::above
                  : sign == "<=" ? Is::at_most
                  : sign == "<"  ? Is::below
                                 : Is::exactly;
    range.parts_.push_back({is, sign, match[2]});
  }
  return range;
}

bool VersionRange::holds(std::string_view version) const {
  if (!is_ordered(version)) return false;
  return std::all_of(parts_.begin(), parts_.end(), [&](const Part& part) {
    const int order = compare_versions(version, part.version);
    switch (part.is) {
      case Is::at_least: return order >= 0;
      case Is::above: return order > 0;
      case Is::at_most: return order <= 0;
      case Is::below: return order < 0;
      case Is::exactly: return order == 0;
    }
    return false;
  });
}

bool VersionRange::has_older_than(std::string_view version) const {
  return std::all_of(parts_.begin(), parts_.end(), [&](const Part& part) {
    return part.is == Is::at_most || part.is == Is::below || compare_versions(part.version, version) < 0;
  });
}

std::string VersionRange::text() const {
  std::vector<std::string> texts;
  for (const auto& part : parts_) texts.push_back(part.sign + part.version);
  return base::join(texts, ",");
}

}  // namespace wrktalk::release_manifest
