// SPDX-License-Identifier: Apache-2.0
#include "core/settings/reader.hpp"

#include "core/base/error.hpp"
#include "core/base/files.hpp"

namespace wrktalk::settings {

using base::Error;
using base::Kind;
using std::chrono::milliseconds;

const char* to_text(Source source) noexcept {
  switch (source) {
    case Source::default_value: return "default";
    case Source::file: return "file";
    case Source::pg_environment: return "libpq";
    case Source::pg_env_file: return "pg-env";
    case Source::vault: return "vault";
    case Source::environment: return "environment";
    case Source::flag: return "flag";
  }
  return "default";
}

std::string Reader::path(const char* key) const {
  if (text(key).empty()) refuse(key, "must not be empty", "give the path of a file or folder");
  return base::absolute(text(key));
}

std::string Reader::optional_path(const char* key) const { return base::absolute(text(key)); }

std::string Reader::program(const char* key) const {
  return text(key).find('/') == std::string::npos ? text(key) : base::absolute(text(key));
}

milliseconds Reader::duration(const char* key, milliseconds shortest) const {
  milliseconds value{};
  try {
    value = base::parse_duration(text(key));
  } catch (const Error& e) {
    refuse(key, e.what(), e.hint());
  }
  if (value < shortest) {
    refuse(key, "'" + text(key) + "' is too short", "give at least " + base::human_duration(shortest));
  }
  return value;
}

bool Reader::yes(const char* key) const {
  static constexpr Choices<bool, 6> kWords = {
      {{"true", true}, {"false", false}, {"1", true}, {"0", false}, {"TRUE", true}, {"FALSE", false}}};
  return text(key).empty() ? false : choice(key, kWords);
}

std::uint64_t Reader::number(const char* key) const { return amount(key, false); }

std::uint64_t Reader::size(const char* key) const { return amount(key, true); }

std::uint64_t Reader::amount(const char* key, bool is_size) const {
  static constexpr std::array<std::pair<std::string_view, std::uint64_t>, 6> kUnits = {
      {{"", 1}, {"B", 1}, {"kB", 1'000}, {"MB", 1'000'000}, {"GB", 1'000'000'000}, {"TB", 1'000'000'000'000}}};
  const std::string given = base::trim(text(key));
  const std::size_t digits = given.find_first_not_of("0123456789");
  const std::string unit = digits == std::string::npos ? "" : base::trim(given.substr(digits));
  const std::string count = given.substr(0, digits);
  for (const auto& [name, factor] : kUnits) {
    if (unit != name || count.empty() || count.size() > 12 || (!is_size && !unit.empty())) continue;
    const std::uint64_t value = std::stoull(count);
    if (value > 0 && value <= 1'000'000'000'000'000 / factor) return value * factor;
  }
  refuse(key, "'" + base::one_line(given) + (is_size ? "' is no size" : "' is no number"),
         is_size ? "give a size above 0, as 200MB or 20GB" : "give a whole number above 0");
}

std::vector<std::string> Reader::list(const char* key) const {
  std::vector<std::string> items;
  for (const auto& part : base::split(text(key), ',')) {
    if (auto item = base::trim(part); !item.empty()) items.push_back(std::move(item));
  }
  return items;
}

std::vector<std::string> Reader::hosts(const char* key) const {
  auto items = list(key);
  for (auto& item : items) {
    for (char& c : item) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  }
  return items;
}

void Reader::refuse(const char* key, const std::string& what, const std::string& hint) const {
  const Value& value = values_.at(key);
  const bool by_name = value.source == Source::environment || value.source == Source::flag;
  throw Error(Kind::configuration,
              (by_name ? value.origin : std::string(key) + " (" + value.origin + ")") + ": " + what, hint);
}

}  // namespace wrktalk::settings
