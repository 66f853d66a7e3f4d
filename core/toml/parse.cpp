// SPDX-License-Identifier: Apache-2.0
#include "core/toml/parse.hpp"

#include <algorithm>
#include <stdexcept>

// toml++ 3.3 asserts on "[.]" and the like, or goes on in a release build: such a text is refused in every build.
namespace {
[[noreturn]] void fail_assertion() { throw std::logic_error("an assertion of toml++"); }
}  // namespace
#undef NDEBUG
#define TOML_ASSERT(expr) ((expr) ? void() : fail_assertion())
#include <toml++/toml.h>

namespace wrktalk::toml {
namespace {

using base::Error;

/// toml++ 3.3 makes a table of each part of a dotted key, one inside the other, and walks them by recursion.
constexpr std::ptrdiff_t kDotsInLine = 2000;

/// toml++ quotes what it could not read, which may be a password: only what is known to name keys alone is passed on.
std::string problem(const ::toml::parse_error& error) {
  const std::string_view text = error.description();
  const bool names_key = text.find("redefine") != std::string_view::npos;
  return names_key ? "a key or a section is written twice" : "this is not TOML";
}

Value copy_of(const ::toml::node& node) {
  using Kind = Value::Kind;
  Value out;
  out.line = node.source().begin.line;
  if (const auto* table = node.as_table()) {
    for (const auto& [key, value] : *table) out.entries.emplace_back(key.str(), copy_of(value));
  } else if (const auto* list = node.as_array()) {
    out.kind = Kind::list;
    for (const auto& item : *list) out.items.push_back(copy_of(item));
  } else if (const auto* text = node.as_string()) {
    out.kind = Kind::text;
    out.text = text->get();
  } else if (const auto* integer = node.as_integer()) {
    out.kind = Kind::integer;
    out.integer = integer->get();
  } else if (const auto* truth = node.as_boolean()) {
    out.kind = Kind::truth;
    out.truth = truth->get();
  } else if (const auto* number = node.as_floating_point()) {
    out.kind = Kind::number;
    out.number = number->get();
  } else {
    out.kind = Kind::time;
  }
  return out;
}

void check_depth(std::string_view text, const std::string& path, base::Kind kind, const std::string& hint) {
  for (std::size_t line = 1; !text.empty(); ++line) {
    const auto one = text.substr(0, text.find('\n'));
    if (std::count(one.begin(), one.end(), '.') > kDotsInLine)
      throw Error(kind, path + " line " + std::to_string(line) + ": there are too many dots in it", hint);
    text.remove_prefix(std::min(text.size(), one.size() + 1));
  }
}

}  // namespace

Value parse(std::string_view text, const std::string& path, base::Kind kind, const std::string& hint) {
  check_depth(text, path, kind, hint);
  try {
    return copy_of(::toml::parse(text, path));
  } catch (const std::logic_error&) {
    throw Error(kind, path + ": this is not TOML", hint);
  } catch (const ::toml::parse_error& e) {
    const auto at = e.source().begin;
    throw Error(kind,
                path + " line " + std::to_string(at.line) + ", column " + std::to_string(at.column) + ": " + problem(e),
                hint);
  }
}

}  // namespace wrktalk::toml
