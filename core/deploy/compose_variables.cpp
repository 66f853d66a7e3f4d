// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/compose_variables.hpp"

#include "core/base/text.hpp"

#include <algorithm>
#include <set>

namespace wrktalk::deploy::compose {
namespace {

using yaml::Node;
using Form = Use::Form;

bool begins_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_of_name(char c) { return begins_name(c) || (c >= '0' && c <= '9'); }

/// The brace that closes what was opened before `at`; the text's size when none does.
std::size_t closing_brace(const std::string& text, std::size_t at) {
  for (int depth = 1; at < text.size(); ++at) {
    if (text[at] == '{') ++depth;
    if (text[at] == '}' && --depth == 0) break;
  }
  return at;
}

Form form_of(const std::string& operation) {
  if (operation.empty()) return Form::plain;
  const char sign = operation.front() == ':' && operation.size() > 1 ? operation[1] : operation.front();
  switch (sign) {
    case '-':
    case '+': return Form::guarded;
    case '?': return Form::required;
    default: return Form::broken;
  }
}

class Finder {
 public:
  std::vector<Use> all(const Node& root) {
    for (const auto& [key, value] : root.entries()) {
      if (!base::starts_with(key->text, "x-")) walk(*value);
    }
    return std::move(out_);
  }

 private:
  void walk(const Node& node) {
    if (!seen_.insert(&node).second) return;
    if (node.is_scalar()) scan(node);
    for (const Node* item : node.items) walk(*item);
    for (const auto& [key, value] : node.own) walk(*value);
  }

  void scan(const Node& node) {
    const std::string& text = node.text;
    for (std::size_t at = text.find('$'); at < text.size(); at = text.find('$', at)) {
      const std::size_t begin = at + 1;
      if (begin < text.size() && text[begin] == '$') {
        at += 2;
        continue;
      }
      const bool braced = begin < text.size() && text[begin] == '{';
      const std::size_t first = begin + (braced ? 1 : 0);
      std::size_t end = first;
      if (end < text.size() && begins_name(text[end])) {
        while (end < text.size() && is_of_name(text[end])) ++end;
      }
      Use use{end > first ? Form::plain : Form::lone, text.substr(first, end - first), node.line, &text};
      if (braced) {
        const std::size_t close = closing_brace(text, first);
        use.form = end == first || close == text.size() ? Form::broken : form_of(text.substr(end, close - end));
        end = std::min(close + 1, text.size());
      }
      out_.push_back(std::move(use));
      at = std::max(end, begin);
    }
  }

  std::set<const Node*> seen_;
  std::vector<Use> out_;
};

}  // namespace

std::vector<Use> variables(const Node& root) { return Finder().all(root); }

}  // namespace wrktalk::deploy::compose
