// SPDX-License-Identifier: Apache-2.0
#include "core/log/secret_values.hpp"

#include "core/base/text.hpp"
#include "core/log/secret_names.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <optional>

namespace wrktalk::log {
namespace {

constexpr auto npos = std::string_view::npos;
constexpr std::size_t kShortest = 8;
// Of a value that a name calls a secret.
constexpr std::size_t kShortestNamed = 4;
// Of what a reader takes for a name or a value when it stumbles in the middle of one.
constexpr std::size_t kShortestPiece = 5;

class Values {
 public:
  /// Of the values that come now.
  void set_name(std::string_view name) {
    shortest_ = kind_of_name(name) == NameKind::none ? kShortest : kShortestNamed;
  }

  void add(std::string_view value) {
    for (const auto& line : base::split(value, '\n')) {
      std::string text = base::trim(line);
      // The lines around a PEM block are everybody's.
      if (text.size() < shortest_ || base::starts_with(text, "-----")) continue;
      if (text.size() >= kShortest) add_pieces(text);
      texts_.push_back(std::move(text));
    }
  }

  /// As it stands there and as it is read: without quotes, escapes and a comment behind it.
  void add_scalar(std::string_view written) {
    const std::string text = base::trim(written);
    if (text.empty()) return;
    add(text);
    const char quote = text.front();
    const std::size_t end = quote == '"' || quote == '\'' ? text.rfind(quote) : 0;
    if (end > 0) {
      const std::string inside = text.substr(1, end - 1);
      add(inside);
      add(quote == '"' ? unescaped(text.substr(0, end + 1)) : undoubled(inside));
    } else if (const std::size_t comment = text.find(" #"); comment != npos) {
      add(text.substr(0, comment));
    }
  }

  std::vector<base::Secret> take() {
    std::sort(texts_.begin(), texts_.end());
    texts_.erase(std::unique(texts_.begin(), texts_.end()), texts_.end());
    std::vector<base::Secret> out;
    for (auto& text : texts_) out.emplace_back(std::move(text));
    return out;
  }

 private:
  /// JSON has the escapes that matter of YAML and of env files.
  static std::string unescaped(const std::string& quoted) {
    const auto json = nlohmann::json::parse(quoted, nullptr, false);
    return json.is_string() ? json.get<std::string>() : std::string();
  }

  /// What compose's readers tell of a value that they take apart: a name behind a '$' ("$2y$10$abcdef/..."), what follows a quote.
  void add_pieces(const std::string& text) {
    const auto is_of_name = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    };
    for (std::size_t at = text.find('$'); at != npos; at = text.find('$', at + 1)) {
      std::size_t end = at + 1;
      while (end < text.size() && is_of_name(text[end])) ++end;
      add_piece(text.substr(at + 1, end - at - 1));
    }
    for (std::size_t at = text.find_first_of("\"'"); at != npos; at = text.find_first_of("\"'", at + 1)) {
      add_piece(text.substr(0, at));
      add_piece(text.substr(at + 1));
    }
  }

  void add_piece(std::string text) {
    if (text.size() >= kShortestPiece && !base::starts_with(text, "-----")) texts_.push_back(std::move(text));
  }

  static std::string undoubled(std::string text) {
    for (std::size_t at = text.find("''"); at != npos; at = text.find("''", at + 1)) text.erase(at, 1);
    return text;
  }

  std::vector<std::string> texts_;
  std::size_t shortest_ = kShortest;
};

void add_json(const nlohmann::json& node, Values& values) {
  if (node.is_object()) {
    for (const auto& [name, child] : node.items()) {
      values.set_name(name);
      add_json(child, values);
    }
  } else if (node.is_array()) {
    for (const auto& child : node) add_json(child, values);
  } else {
    values.add(node.is_string() ? node.get<std::string>() : node.dump());
  }
}

/// Behind the ':' that ends a key; npos when the text has none.
std::size_t behind_key(std::string_view text) {
  std::size_t from = 0;
  if (!text.empty() && (text.front() == '"' || text.front() == '\'')) {
    const std::size_t quote = text.find(text.front(), 1);
    from = quote == npos ? 0 : quote;
  }
  for (std::size_t colon = text.find(':', from); colon != npos; colon = text.find(':', colon + 1)) {
    if (colon + 1 == text.size() || text[colon + 1] == ' ' || text[colon + 1] == '\t') return colon + 1;
  }
  return npos;
}

/// "[a, {b: c}]"
void add_flow(std::string_view text, Values& values) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find_first_of("[]{},", at), text.size());
    const std::string_view part = text.substr(at, end - at);
    const std::size_t value = behind_key(base::trim(part));
    values.add_scalar(value == npos ? base::trim(part) : base::trim(part).substr(value));
    at = end + 1;
  }
}

/// The text of an item or a value, without what only YAML reads of it.
std::string_view without_marks(std::string_view text) {
  for (;;) {
    const std::size_t begin = text.find_first_not_of(" \t");
    if (begin == npos) return {};
    text.remove_prefix(begin);
    const bool is_item = base::starts_with(text, "- ");
    if (!is_item && text.front() != '!' && text.front() != '&') return text;
    text.remove_prefix(std::min(text.find(' '), text.size()));
  }
}

}  // namespace

std::vector<base::Secret> values_of_env(std::string_view text) {
  Values values;
  bool goes_on = false;  // a value in quotes has more lines
  for (const auto& whole : base::split(text, '\n')) {
    const std::string line = base::trim(whole);
    if (goes_on) {
      const std::size_t quote = line.find_last_of("\"'");
      values.add(line);
      if (quote != std::string::npos) values.add(line.substr(0, quote));
      goes_on = quote == std::string::npos;
      continue;
    }
    const std::size_t sign = line.find('=');
    if (line.empty() || line.front() == '#' || sign == std::string::npos) continue;
    const std::string value = base::trim(line.substr(sign + 1));
    values.set_name(line.substr(0, sign));
    values.add_scalar(value);
    if (value.empty() || (value.front() != '"' && value.front() != '\'')) continue;
    goes_on = value.find(value.front(), 1) == std::string::npos;
    if (goes_on) values.add(value.substr(1));
  }
  return values.take();
}

std::vector<base::Secret> values_of_yaml(std::string_view text) {
  Values values;
  if (const auto json = nlohmann::json::parse(text, nullptr, false); json.is_structured()) add_json(json, values);
  std::optional<std::size_t> block;  // how far the lines of a "key: |" are indented at the least
  for (const auto& line : base::split(text, '\n')) {
    const std::size_t indent = std::min(line.find_first_not_of(' '), line.size());
    std::string_view item = without_marks(line);
    if (item.empty()) continue;
    if (block && indent > *block) {
      values.add(item);
    } else {
      block.reset();
      if (item.front() == '#') continue;
    }
    const std::size_t value = behind_key(item);
    if (!block) values.set_name(value == npos ? "" : item.substr(0, value));
    if (value != npos) item = without_marks(item.substr(value));
    if (item.empty()) continue;
    if (item.front() == '[' || item.front() == '{') {
      add_flow(item, values);
    } else if ((item.front() == '|' || item.front() == '>') && item.size() <= 3 && !block) {
      block = indent;
    } else {
      values.add_scalar(item);
    }
  }
  return values.take();
}

std::vector<base::Secret> without_public(std::vector<base::Secret> values,
                                         const std::vector<std::string>& public_words) {
  const auto is_public = [&](const base::Secret& value) {
    return std::any_of(public_words.begin(), public_words.end(),
                       [&](const auto& word) { return word.find(value.reveal()) != std::string::npos; });
  };
  values.erase(std::remove_if(values.begin(), values.end(), is_public), values.end());
  return values;
}

}  // namespace wrktalk::log
