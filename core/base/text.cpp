// SPDX-License-Identifier: Apache-2.0
#include "core/base/text.hpp"

#include "core/base/error.hpp"
#include "core/base/visible.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>

namespace wrktalk::base {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

unsigned char byte(std::string_view text, std::size_t i) { return static_cast<unsigned char>(text[i]); }

/// Length of the valid UTF-8 sequence at `i`, or 0. Overlong forms, surrogates and values past U+10FFFF are not valid.
std::size_t utf8_length(std::string_view text, std::size_t i) {
  const unsigned char lead = byte(text, i);
  if (lead < 0x80) return lead == 0 ? 0 : 1;
  std::size_t length = 0;
  unsigned char low = 0x80;
  unsigned char high = 0xBF;
  if (lead >= 0xC2 && lead <= 0xDF) {
    length = 2;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    length = 3;
    if (lead == 0xE0) low = 0xA0;
    if (lead == 0xED) high = 0x9F;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4;
    if (lead == 0xF0) low = 0x90;
    if (lead == 0xF4) high = 0x8F;
  } else {
    return 0;
  }
  if (i + length > text.size()) return 0;
  if (byte(text, i + 1) < low || byte(text, i + 1) > high) return 0;
  for (std::size_t k = 2; k < length; ++k) {
    if ((byte(text, i + k) & 0xC0) != 0x80) return 0;
  }
  return length;
}

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v'; }

std::string printf_text(const char* format, double value) {
  std::array<char, 48> buffer{};
  std::snprintf(buffer.data(), buffer.size(), format, value);
  return buffer.data();
}

}  // namespace

std::string scrub_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = utf8_length(text, i);
    if (length == 0) {
      out += kReplacement;
      ++i;
    } else {
      out.append(text, i, length);
      i += length;
    }
  }
  return out;
}

std::string plain_ascii(std::string_view text) {
  constexpr std::size_t kLongest = 8 * 1024;
  std::string out;
  for (const char c : scrub_utf8(text)) {
    if (out.size() == kLongest) break;
    const auto code = static_cast<unsigned char>(c);
    const bool continues = (code & 0xC0) == 0x80;
    if (!continues) out += code < 0x80 ? c : '?';
  }
  return out;
}

std::string one_line(std::string_view text) {
  std::string out(text);
  std::replace_if(
      out.begin(), out.end(), [](char c) { return c == '\n' || c == '\t' || c == '\r'; }, ' ');
  return trim(visible(out));
}

std::string trim(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return std::string(text);
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  std::size_t start = 0;
  for (;;) {
    const std::size_t end = text.find(separator, start);
    if (end == std::string_view::npos) break;
    parts.emplace_back(text.substr(start, end - start));
    start = end + 1;
  }
  parts.emplace_back(text.substr(start));
  return parts;
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
  std::string out;
  for (const auto& part : parts) {
    if (!out.empty()) out += separator;
    out += part;
  }
  return out;
}

bool starts_with(std::string_view text, std::string_view prefix) noexcept {
  return text.substr(0, prefix.size()) == prefix;
}

bool ends_with(std::string_view text, std::string_view suffix) noexcept {
  return text.size() >= suffix.size() && text.substr(text.size() - suffix.size()) == suffix;
}

std::string tail(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return std::string(text);
  text.remove_prefix(text.size() - limit);
  const std::size_t line = text.find('\n');
  if (line != std::string_view::npos && line + 1 < text.size()) text.remove_prefix(line + 1);
  return "[...]\n" + std::string(text);
}

std::string human_size(std::uint64_t size_bytes) {
  if (size_bytes < 1000) return std::to_string(size_bytes) + " B";
  static constexpr std::array<const char*, 5> kUnits = {"kB", "MB", "GB", "TB", "PB"};
  double value = static_cast<double>(size_bytes) / 1000.0;
  std::size_t unit = 0;
  while (value >= 999.95 && unit + 1 < kUnits.size()) {
    value /= 1000.0;
    ++unit;
  }
  return printf_text("%.1f ", value) + kUnits[unit];
}

std::string human_duration(std::chrono::milliseconds duration) {
  const auto ms = duration.count();
  if (ms < 1000) return std::to_string(ms) + " ms";
  if (ms < 60'000) return printf_text("%.1f s", static_cast<double>(ms) / 1000.0);
  const auto seconds = ms / 1000;
  if (seconds < 3600) return std::to_string(seconds / 60) + " min " + std::to_string(seconds % 60) + " s";
  if (seconds < 86'400) return std::to_string(seconds / 3600) + " h " + std::to_string(seconds % 3600 / 60) + " min";
  return std::to_string(seconds / 86'400) + " d " + std::to_string(seconds % 86'400 / 3600) + " h";
}

std::chrono::milliseconds parse_duration(const std::string& text) {
  const auto refuse = [&](const char* why) -> Error {
    return Error(Kind::usage, "bad duration '" + one_line(text) + "': " + why, "write it like 30s, 10m, 1h30m or 2d");
  };
  constexpr double kLongestMs = 1000.0 * 86'400 * 3650;
  if (text.empty()) throw refuse("it is empty");
  double total = 0;
  std::size_t i = 0;
  while (i < text.size()) {
    const std::size_t number = text.find_first_not_of("0123456789.", i);
    if (number == i) throw refuse("a number is missing");
    const std::string digits = text.substr(i, number == std::string::npos ? std::string::npos : number - i);
    char* end = nullptr;
    const double value = std::strtod(digits.c_str(), &end);
    if (*end != '\0') throw refuse("a number cannot be read");
    if (number == std::string::npos) {
      if (i != 0) throw refuse("a unit is missing");
      total = value * 1000;
      break;
    }
    const std::size_t unit_end = text.find_first_of("0123456789.", number);
    const std::string unit = text.substr(number, unit_end == std::string::npos ? std::string::npos : unit_end - number);
    if (unit == "ms")
      total += value;
    else if (unit == "s")
      total += value * 1000;
    else if (unit == "m")
      total += value * 60'000;
    else if (unit == "h")
      total += value * 3'600'000;
    else if (unit == "d")
      total += value * 86'400'000;
    else
      throw refuse("the unit is none of ms, s, m, h, d");
    i = unit_end == std::string::npos ? text.size() : unit_end;
  }
  if (total > kLongestMs) throw refuse("it is longer than ten years");
  return std::chrono::milliseconds(static_cast<std::chrono::milliseconds::rep>(total + 0.5));
}

std::string go_duration(std::chrono::milliseconds duration) {
  if (duration.count() % 1000 == 0) return std::to_string(duration.count() / 1000) + "s";
  return std::to_string(duration.count()) + "ms";
}

std::string to_hex(const unsigned char* data, std::size_t size) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(size * 2);
  for (std::size_t i = 0; i < size; ++i) {
    out += kDigits[data[i] >> 4];
    out += kDigits[data[i] & 0x0F];
  }
  return out;
}

}  // namespace wrktalk::base
