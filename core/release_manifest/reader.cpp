// SPDX-License-Identifier: Apache-2.0
#include "core/release_manifest/reader.hpp"

#include "core/base/error.hpp"
#include "core/base/nearest.hpp"
#include "core/base/text.hpp"
#include "core/base/visible.hpp"

#include <algorithm>

namespace wrktalk::release_manifest {
namespace {

using Kind = toml::Value::Kind;

constexpr std::size_t kLongestText = 1000;
constexpr std::size_t kLongestPath = 1024;
constexpr std::chrono::hours kLongest{24};

const char* name_of(Kind kind) {
  switch (kind) {
    case Kind::text: return "a text";
    case Kind::integer: return "a whole number";
    case Kind::number: return "a number";
    case Kind::truth: return "true or false";
    case Kind::time: return "a date or a time";
    case Kind::list: return "a list";
    case Kind::table: return "a section";
  }
  return "";
}

std::string shown(const std::string& text) { return "\"" + base::one_line(base::scrub_utf8(text)) + "\""; }

}  // namespace

void refuse(const Place& place, std::size_t line, const std::string& what, const std::string& hint) {
  throw base::Error(base::Kind::artifact,
                    place.path + (line == 0 ? "" : ":" + std::to_string(line)) + ": " +
                        (place.section.empty() ? "" : place.section + " ") + what,
                    hint);
}

std::string suggestion(const std::string& word, const std::vector<std::string>& known) {
  const auto meant = base::nearest(word, known);
  return meant ? "did you mean " + *meant + "?" : "known are " + base::join(known, ", ");
}

Section::Section(Place place, const toml::Value& table, const std::vector<std::string>& known)
    : place_(std::move(place)), table_(table) {
  if (table.kind != Kind::table) refuse_here(std::string("is ") + name_of(table.kind) + ", and must be a section");
  for (const auto& [key, value] : table.entries) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    refuse(place_, value.line, shown(key) + " is no key of it: " + suggestion(key, known));
  }
}

const toml::Value* Section::find(const std::string& key) const {
  const auto found =
      std::find_if(table_.entries.begin(), table_.entries.end(), [&](const auto& entry) { return entry.first == key; });
  return found == table_.entries.end() ? nullptr : &found->second;
}

void Section::refuse_key(const std::string& key, const std::string& what, const std::string& hint) const {
  const auto* value = find(key);
  refuse(place_, value == nullptr ? table_.line : value->line, key + " " + what, hint);
}

void Section::refuse_here(const std::string& what, const std::string& hint) const {
  refuse(place_, table_.line, what, hint);
}

const toml::Value* Section::of_kind(const std::string& key, Kind kind, const char* name) const {
  const auto* value = find(key);
  if (value != nullptr && value->kind != kind)
    refuse_key(key, std::string("is ") + name_of(value->kind) + ", and must be " + name);
  return value;
}

std::optional<std::string> Section::text(const std::string& key) const {
  const auto* value = of_kind(key, Kind::text, "a text in quotes");
  if (value == nullptr) return std::nullopt;
  if (value->text.empty()) refuse_key(key, "is empty");
  if (value->text.size() > kLongestText) refuse_key(key, "is longer than " + std::to_string(kLongestText) + " bytes");
  if (base::has_hidden(value->text) || base::one_line(value->text) != value->text)
    refuse_key(key, "holds characters that cannot be seen: " + shown(value->text));
  return value->text;
}

std::optional<std::int64_t> Section::integer(const std::string& key) const {
  const auto* value = of_kind(key, Kind::integer, "a whole number");
  if (value == nullptr) return std::nullopt;
  return value->integer;
}

std::optional<bool> Section::truth(const std::string& key) const {
  const auto* value = of_kind(key, Kind::truth, "true or false");
  if (value == nullptr) return std::nullopt;
  return value->truth;
}

std::vector<std::string> Section::words(const std::string& key, std::size_t most) const {
  std::vector<std::string> out;
  const auto* value = of_kind(key, Kind::list, "a list of texts: [\"a\", \"b\"]");
  if (value == nullptr) return out;
  if (value->items.empty()) refuse_key(key, "is an empty list");
  if (value->items.size() > most)
    refuse_key(key, "has " + std::to_string(value->items.size()) + " entries, and may have " + std::to_string(most));
  for (const auto& item : value->items) {
    const auto refuse_item = [&](const std::string& what) { refuse(place_, item.line, key + " " + what); };
    if (item.kind != Kind::text) refuse_item(std::string("has ") + name_of(item.kind) + " in it, and must be texts");
    if (item.text.empty()) refuse_item("has an empty text in it");
    if (item.text.size() > kLongestPath) refuse_item("has a text in it that is longer than 1024 bytes");
    if (base::has_hidden(item.text) || base::one_line(item.text) != item.text)
      refuse_item("holds characters that cannot be seen: " + shown(item.text));
    out.push_back(item.text);
  }
  return out;
}

std::vector<std::string> Section::texts(const std::string& key, std::size_t most) const {
  auto out = words(key, most);
  std::set<std::string> seen;
  for (const auto& one : out) {
    if (!seen.insert(one).second) refuse_key(key, "names " + shown(one) + " twice");
  }
  return out;
}

std::optional<std::string> Section::choice(const std::string& key, const std::vector<std::string>& choices) const {
  auto value = text(key);
  if (value && std::find(choices.begin(), choices.end(), *value) == choices.end())
    refuse_key(key, "cannot be " + shown(*value) + ": " + suggestion(*value, choices));
  return value;
}

std::optional<std::chrono::milliseconds> Section::duration(const std::string& key,
                                                           std::chrono::milliseconds least) const {
  const auto value = text(key);
  if (!value) return std::nullopt;
  std::chrono::milliseconds duration{};
  try {
    duration = base::parse_duration(*value);
  } catch (const base::Error&) {
    refuse_key(key, shown(*value) + " is no time", "write it like \"10s\", \"5m\" or \"1h30m\"");
  }
  if (duration < least) {
    refuse_key(key, shown(*value) + " is too short: at least " + base::human_duration(least),
               "write it like \"10s\", \"5m\" or \"1h30m\"");
  }
  if (duration > kLongest) refuse_key(key, shown(*value) + " is too long: at most 24 h");
  return duration;
}

std::string tree_path(const Section& section, const std::string& key, const std::string& text) {
  const std::string hint = "write a path below the release's top folder, like \"data\" or \"config/local.yml\"";
  std::string path = text;
  while (base::starts_with(path, "./")) path.erase(0, 2);
  while (!path.empty() && path.back() == '/') path.pop_back();
  if (base::starts_with(path, "/")) section.refuse_key(key, shown(text) + " is not below the release's tree", hint);
  if (path.find('\\') != std::string::npos) section.refuse_key(key, shown(text) + " has a backslash in it", hint);
  for (const auto& part : base::split(path, '/')) {
    if (part.empty() || part == "." || part == "..")
      section.refuse_key(key, shown(text) + (part == ".." ? " leaves the release's tree" : " is no plain path"), hint);
  }
  return path;
}

}  // namespace wrktalk::release_manifest
