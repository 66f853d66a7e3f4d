// SPDX-License-Identifier: Apache-2.0
#include "core/site/values.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>

namespace wrktalk::site {
namespace {

using base::Error;
using base::Kind;

/// What may stand without quotes wherever it stands, and is read as it was in the file it comes from.
bool is_plain_word(const std::string& text) {
  constexpr std::string_view kDigits = "0123456789.";
  if (text.empty() || text.find_first_not_of('.') == std::string::npos) return false;
  if (text.front() == '-' && (text.size() == 1 || kDigits.find(text[1]) == std::string_view::npos)) return false;
  return text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.+-~") ==
         std::string::npos;
}

/// Go's YAML reader takes neither DEL nor C1 controls as they are.
std::string without_controls(const std::string& json) {
  constexpr const char* kDigits = "0123456789abcdef";
  std::string out;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const auto byte = static_cast<unsigned char>(json[i]);
    const auto next = i + 1 < json.size() ? static_cast<unsigned char>(json[i + 1]) : 0U;
    const bool is_c1 = byte == 0xC2 && next >= 0x80 && next < 0xA0;
    if (byte != 0x7F && !is_c1) {
      out += json[i];
      continue;
    }
    const unsigned code = is_c1 ? next : byte;
    out += std::string("\\u00") + kDigits[code >> 4U] + kDigits[code & 15U];
    if (is_c1) ++i;
  }
  return out;
}

}  // namespace

std::vector<std::string> parts_of(const std::string& path) {
  std::vector<std::string> parts(1);
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '\\' && i + 1 < path.size() && (path[i + 1] == '.' || path[i + 1] == '\\')) {
      parts.back() += path[++i];
    } else if (path[i] == '.') {
      parts.emplace_back();
    } else {
      parts.back() += path[i];
    }
  }
  const bool has_empty = std::any_of(parts.begin(), parts.end(), [](const auto& part) { return part.empty(); });
  if (!has_empty) return parts;
  throw Error(Kind::usage, "'" + base::one_line(path) + "' is no path of a value",
              "write it as in image.tag; a dot inside of a name as \\.");
}

std::string to_path(const std::vector<std::string>& parts) {
  std::string path;
  for (const auto& part : parts) {
    if (!path.empty()) path += '.';
    for (const char c : part) {
      if (c == '.' || c == '\\') path += '\\';
      path += c;
    }
  }
  return path;
}

bool is_at_or_below(const std::string& path, const std::string& top) {
  const auto below = parts_of(path);
  const auto above = parts_of(top);
  return above.size() <= below.size() && std::equal(above.begin(), above.end(), below.begin());
}

std::string quoted(const std::string& text) {
  return without_controls(nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

std::string to_flow(const yaml::Node& node, const TextOf& text_of) {
  if (node.is_scalar()) {
    if (node.is_null()) return "null";
    const std::string text = text_of ? text_of(node.text) : node.text;
    return !node.is_quoted && text == node.text && is_plain_word(text) ? text : quoted(text);
  }
  std::string out(1, node.is_sequence() ? '[' : '{');
  const auto add = [&](const std::string& item) { out += (out.size() > 1 ? ", " : "") + item; };
  for (const auto* item : node.items) add(to_flow(*item, text_of));
  if (node.is_mapping()) {
    // Its own come before those that are merged into it.
    std::set<std::string> seen;
    for (const auto& [key, value] : node.entries()) {
      if (seen.insert(key->text).second) add(quoted(key->text) + ": " + to_flow(*value, text_of));
    }
  }
  return out + (node.is_sequence() ? ']' : '}');
}

void each_text(const yaml::Node& node, const std::function<void(const std::string&)>& visit) {
  if (node.is_scalar()) visit(node.text);
  for (const auto* item : node.items) each_text(*item, visit);
  if (!node.is_mapping()) return;
  for (const auto& entry : node.entries()) each_text(*entry.second, visit);
}

}  // namespace wrktalk::site
