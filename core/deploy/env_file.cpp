// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/env_file.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace wrktalk::deploy::env {
namespace {

constexpr auto npos = std::string_view::npos;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::size_t kMostFilledIn = 1'000'000;  ///< bytes of values that are put into others
constexpr char kEscapedDollar = '\xFF';           // a byte that UTF-8 does not have
constexpr const char* kQuoteHint =
    "write the value in single quotes to have it as it stands ('it\\'s' for an apostrophe in it)";

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f'; }

bool is_of_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
}
bool is_of_variable(char c) { return is_of_name(c) && c != '.' && c != '-'; }

/// Where a name that begins at `at` ends.
std::size_t name_end(std::string_view text, std::size_t at, bool (*belongs)(char)) {
  while (at < text.size() && belongs(text[at])) ++at;
  return at;
}

/// Whether Python's dotenv reads the value as it stands when it has no quotes.
bool is_plain(const std::string& value) {
  if (value.empty()) return true;
  if (is_blank(value.front()) || is_blank(value.back()) || value.front() == '\'' || value.front() == '"') return false;
  for (std::size_t i = 1; i < value.size(); ++i) {
    if (value[i] == '#' && is_blank(value[i - 1])) return false;
  }
  return value.find_first_of("\r\n") == npos;
}

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
  return text;
}

bool ends_with_backslash(const std::string& value) { return !value.empty() && value.back() == '\\'; }

bool is_reference(std::string_view text) {
  return base::starts_with(text, "${file:") || base::starts_with(text, "${vault:");
}

class Reading {
 public:
  Reading(std::string_view text, const std::string& name, Reader reader) : text_(text), name_(name), reader_(reader) {
    if (base::starts_with(text_, kByteOrderMark)) at_ = kByteOrderMark.size();
  }

  File all() {
    if (base::scrub_utf8(text_) != text_) refuse("it is not UTF-8, or holds NUL", "store it as UTF-8");
    while (at_ < text_.size()) statement();
    return std::move(out_);
  }

 private:
  [[noreturn]] void refuse(const std::string& why, const std::string& hint) const {
    throw base::Error(base::Kind::artifact, name_ + ":" + std::to_string(line_) + ": " + why, hint);
  }

  /// What v1 and v2 take differently: nobody else reads the file, or compose does.
  void differs(const std::string& why) {
    if (reader_ != Reader::compose) refuse(why, kQuoteHint);
    out_.notes.push_back({line_, why});
  }

  bool at_end() const { return at_ >= text_.size() || text_[at_] == '\n'; }
  void skip_blanks() {
    while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
  }
  void next_line() {
    at_ = std::min(text_.find('\n', at_), text_.size());
    if (at_ < text_.size()) ++at_;
    ++line_;
  }

  void statement() {
    skip_blanks();
    if (at_end() || text_[at_] == '#') return next_line();
    Variable variable;
    variable.name = name();
    variable.line = line_;
    skip_blanks();
    if (at_end() || text_[at_] != '=') {
      // In a service's env_file a name alone passes the variable on.
      if (reader_ == Reader::compose) return next_line();
      refuse("it is no NAME=VALUE", "write each variable as NAME=VALUE, a comment with '#' before it");
    }
    ++at_;
    skip_blanks();
    name_of_value_ = variable.name;
    variable.value = at_end() ? "" : text_[at_] == '\'' || text_[at_] == '"' ? quoted() : plain();
    need_expressible(variable.value);
    if (out_.find(variable.name) != nullptr)
      out_.notes.push_back({variable.line, variable.name + " is set twice: this one counts"});
    out_.variables.push_back(std::move(variable));
    next_line();
  }

  std::string name() {
    std::size_t end = name_end(text_, at_, is_of_name);
    if (text_.substr(at_, end - at_) == "export" && end < text_.size() && is_blank(text_[end])) {
      at_ = end;
      skip_blanks();
      end = name_end(text_, at_, is_of_name);
    }
    if (end == at_) refuse("it does not begin with a variable's name", "write each variable as NAME=VALUE");
    return std::string(text_.substr(std::exchange(at_, end), end - at_));
  }

  std::string plain() {
    const std::size_t end = std::min(text_.find('\n', at_), text_.size());
    std::string_view value = text_.substr(at_, end - at_);
    for (std::size_t i = 1; i < value.size(); ++i) {
      if (value[i] == '#' && is_blank(value[i - 1])) {
        value = value.substr(0, i);
        break;
      }
    }
    while (!value.empty() && is_blank(value.back())) value.remove_suffix(1);
    at_ = end;
    return filled_in(value);
  }

  std::string quoted() {
    const std::size_t first_line = line_;
    const char quote = text_[at_++];
    std::string value;
    for (;; ++at_) {
      if (at_ >= text_.size()) {
        line_ = first_line;
        refuse("the quote that the value of " + name_of_value_ + " begins with does not end", kQuoteHint);
      }
      const char c = text_[at_];
      if (c == quote) break;
      if (c == '\n') ++line_;
      if (c == '\r' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n') continue;
      if (c == '\\' && at_ + 1 < text_.size()) {
        const char escaped = text_[++at_];
        if (escaped == '\n') ++line_;
        value += quote == '\'' ? in_single(escaped) : in_double(escaped);
      } else {
        value += c;
      }
    }
    ++at_;
    skip_blanks();
    if (!at_end() && text_[at_] != '#')
      refuse("something stands behind the quote that ends the value of " + name_of_value_, kQuoteHint);
    return quote == '\'' ? value : filled_in(value);
  }

  static std::string in_single(char escaped) { return escaped == '\'' ? "'" : std::string("\\") + escaped; }

  static std::string in_double(char escaped) {
    constexpr std::string_view kNames = "abfnrtv\"'\\$";
    constexpr std::string_view kMeant = "\a\b\f\n\r\t\v\"'\\";
    const std::size_t at = kNames.find(escaped);
    if (at == npos) return std::string("\\") + escaped;
    return std::string(1, escaped == '$' ? kEscapedDollar : kMeant[at]);
  }

  /// `text` with the values of the variables that it names.
  std::string filled_in(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '$') {
        out += text[i] == kEscapedDollar ? '$' : text[i];
        continue;
      }
      const bool braced = i + 1 < text.size() && text[i + 1] == '{';
      if (reader_ == Reader::site && is_reference(text.substr(i))) {
        out += text[i];
        continue;
      }
      const std::size_t begin = i + (braced ? 2 : 1);
      const std::size_t end = name_end(text, begin, is_of_variable);
      const std::string named(text.substr(begin, end - begin));
      const Variable* known = out_.find(named);
      if (braced && known != nullptr && end < text.size() && text[end] == '}') {
        out_.notes.push_back({line_, "the value of " + named + " is put into that of " + name_of_value_});
        filled_in_ += known->value.size();
        if (filled_in_ > kMostFilledIn) {
          refuse("the values that are put into others are larger than " + base::human_size(kMostFilledIn) + " in all",
                 "write the values out");
        }
        out += known->value;
        i = end;
        continue;
      }
      if (braced || known != nullptr) {
        differs("in the value of " + name_of_value_ + " stands a '$' that compose may take for a variable");
      }
      out += '$';
    }
    return out;
  }

  void need_expressible(const std::string& value) const {
    if (reader_ == Reader::compose) return;
    const std::string why = obstacle(value);
    if (!why.empty()) refuse("the value of " + name_of_value_ + " " + why, "change the value");
  }

  std::string_view text_;
  const std::string& name_;
  Reader reader_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
  std::string name_of_value_;
  std::size_t filled_in_ = 0;
  File out_;
};

std::string escaped(const std::string& value, std::string_view characters) {
  std::string out;
  for (const char c : value) {
    if (characters.find(c) != npos) out += '\\';
    out += c;
  }
  return out;
}

/// It undoes `\\` and `\'` in single quotes, and puts in `${NAME:-DEFAULT}` wherever it stands.
std::string for_v1(const std::string& value) {
  const std::string inert = replaced(value, "${", "${:-$}{");
  if (value.find('\r') != npos) return '"' + replaced(escaped(inert, "\\\""), "\r", "\\r") + '"';
  return ends_with_backslash(value) ? inert : "'" + escaped(inert, "\\'") + "'";
}

/// In single quotes it undoes `\'` alone: a backslash before a quote needs double ones.
std::string for_v2(const std::string& value) {
  const bool in_double = value.find('\r') != npos || value.find("\\'") != npos || ends_with_backslash(value);
  return in_double ? '"' + replaced(escaped(value, "\\\"$"), "\r", "\\r") + '"' : "'" + escaped(value, "'") + "'";
}

}  // namespace

const Variable* File::find(std::string_view name) const {
  const auto found =
      std::find_if(variables.rbegin(), variables.rend(), [&](const auto& variable) { return variable.name == name; });
  return found == variables.rend() ? nullptr : &*found;
}

File read(std::string_view text, const std::string& name, Reader reader) { return Reading(text, name, reader).all(); }

bool is_name(std::string_view name) {
  return !name.empty() && !(name.front() >= '0' && name.front() <= '9') &&
         std::all_of(name.begin(), name.end(), is_of_name);
}

bool is_of_the_machine(std::string_view name) {
  constexpr std::array<std::string_view, 12> kNames = {"PATH",       "IFS",     "ENV",  "BASH_ENV", "SHELLOPTS",
                                                       "BASHOPTS",   "PS4",     "HOME", "CDPATH",   "GLIBC_TUNABLES",
                                                       "PYTHONPATH", "PERL5LIB"};
  return base::starts_with(name, "LD_") || base::starts_with(name, "WRKTALK_") ||
         std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

std::string obstacle(const std::string& value) {
  if (base::scrub_utf8(value) != value) return "is not UTF-8, or holds NUL";
  if (!ends_with_backslash(value) || is_plain(value)) return {};
  return "ends with a backslash, and begins with a quote or a blank, or has ' #' or lines in it: compose v1 cannot be "
         "given that";
}

File merge(const File& under, const File& over) {
  File out;
  for (const auto& variable : under.variables) {
    if (over.find(variable.name) == nullptr) out.variables.push_back(variable);
  }
  out.variables.insert(out.variables.end(), over.variables.begin(), over.variables.end());
  return out;
}

std::string write(const File& file, Dialect dialect) {
  std::string out;
  for (const auto& variable : file.variables) {
    if (file.find(variable.name) != &variable) continue;
    out +=
        variable.name + "=" + (dialect == Dialect::compose_v1 ? for_v1(variable.value) : for_v2(variable.value)) + "\n";
  }
  return out;
}

}  // namespace wrktalk::deploy::env
