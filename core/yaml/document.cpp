// SPDX-License-Identifier: Apache-2.0
#include "core/yaml/document.hpp"

#include <algorithm>

namespace wrktalk::yaml {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

bool same(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

void add_entries(const Node& map, std::vector<Node::Entry>& out);

void add_merged(const Node& value, std::vector<Node::Entry>& out) {
  if (value.is_mapping()) add_entries(value, out);
  for (const Node* item : value.items) {
    if (item->is_mapping()) add_entries(*item, out);
  }
}

void add_entries(const Node& map, std::vector<Node::Entry>& out) {
  out.insert(out.end(), map.own.begin(), map.own.end());
  for (const auto& [key, value] : map.own) {
    if (key->text == "<<") add_merged(*value, out);
  }
}

}  // namespace

bool Node::is_null() const noexcept {
  return is_scalar() && !is_quoted && (text.empty() || text == "~" || same(text, "null"));
}

bool Node::is_true() const noexcept {
  static constexpr std::string_view kWords[] = {"true", "yes", "on", "y", "t", "1"};
  return is_scalar() &&
         std::any_of(std::begin(kWords), std::end(kWords), [&](std::string_view word) { return same(text, word); });
}

std::vector<Node::Entry> Node::entries() const {
  std::vector<Entry> out;
  add_entries(*this, out);
  return out;
}

std::vector<const Node*> Node::values(std::string_view key) const {
  std::vector<const Node*> out;
  for (const auto& [name, value] : entries()) {
    if (same(name->text, key)) out.push_back(value);
  }
  return out;
}

std::string Node::text_of(std::string_view key) const {
  for (const Node* value : values(key)) {
    if (value->is_scalar()) return value->text;
  }
  return {};
}

}  // namespace wrktalk::yaml
