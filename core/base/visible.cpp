// SPDX-License-Identifier: Apache-2.0
#include "core/base/visible.hpp"

#include "core/base/text.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

namespace wrktalk::base {
namespace {

constexpr std::pair<char32_t, char32_t> kHidden[] = {
    {0x00, 0x08},        // C0
    {0x0B, 0x1F},        // C0, behind tab and line end
    {0x7F, 0x9F},        // delete, C1
    {0xAD, 0xAD},        // soft hyphen
    {0x034F, 0x034F},    // grapheme joiner
    {0x061C, 0x061C},    // Arabic letter mark
    {0x115F, 0x1160},    // Hangul fillers
    {0x17B4, 0x17B5},    // Khmer vowels without a shape
    {0x180B, 0x180F},    // Mongolian separators
    {0x200B, 0x200F},    // zero width, marks of direction
    {0x2028, 0x202E},    // ends of lines and paragraphs, embeddings and overrides
    {0x2060, 0x206F},    // word joiner, isolates
    {0x3164, 0x3164},    // Hangul filler
    {0xFEFF, 0xFEFF},    // zero width no-break space
    {0xFFA0, 0xFFA0},    // Hangul filler
    {0xFFF9, 0xFFFB},    // annotations
    {0xE0000, 0xE0FFF},  // tags
};

bool is_hidden(char32_t code) {
  return std::any_of(std::begin(kHidden), std::end(kHidden),
                     [&](const auto& range) { return code >= range.first && code <= range.second; });
}

/// Of the character that begins at `at` of valid UTF-8.
std::size_t length_at(std::string_view text, std::size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  return lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
}

char32_t code_at(std::string_view text, std::size_t at, std::size_t length) {
  constexpr unsigned char kLeadBits[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
  char32_t code = static_cast<unsigned char>(text[at]) & kLeadBits[length];
  for (std::size_t i = 1; i < length; ++i) code = code << 6 | (static_cast<unsigned char>(text[at + i]) & 0x3F);
  return code;
}

/// As JSON writes it, above U+FFFF as a pair.
std::string escaped(char32_t code) {
  std::array<char, 16> text{};
  if (code < 0x20) {
    std::snprintf(text.data(), text.size(), "\\x%02x", static_cast<unsigned>(code));
  } else if (code < 0x10000) {
    std::snprintf(text.data(), text.size(), "\\u%04x", static_cast<unsigned>(code));
  } else {
    const auto rest = static_cast<unsigned>(code - 0x10000);
    std::snprintf(text.data(), text.size(), "\\u%04x\\u%04x", 0xD800 + (rest >> 10), 0xDC00 + (rest & 0x3FF));
  }
  return text.data();
}

}  // namespace

std::string visible(std::string_view foreign) {
  const std::string text = scrub_utf8(foreign);
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = length_at(text, at);
    const char32_t code = code_at(text, at, length);
    if (code == '\r' && at + 1 < text.size() && text[at + 1] == '\n') {
      ++at;
      continue;
    }
    if (is_hidden(code))
      out += escaped(code);
    else
      out.append(text, at, length);
    at += length;
  }
  return out;
}

bool has_hidden(std::string_view foreign) {
  const std::string text = scrub_utf8(foreign);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = length_at(text, at);
    if (is_hidden(code_at(text, at, length))) return true;
    at += length;
  }
  if (text == foreign) return false;
  return std::any_of(foreign.begin(), foreign.end(), [](char c) {
    const auto code = static_cast<unsigned char>(c);
    return code < 0x20 || (code >= 0x7F && code <= 0x9F);
  });
}

}  // namespace wrktalk::base
