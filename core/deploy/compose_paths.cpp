// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/compose_paths.hpp"

#include "core/base/error.hpp"
#include "core/base/files.hpp"
#include "core/base/text.hpp"
#include "core/deploy/folders.hpp"

#include <algorithm>
#include <filesystem>
#include <regex>
#include <set>

namespace wrktalk::deploy::compose {
namespace {

using base::Error;
using base::Kind;

constexpr std::size_t kLargestFile = 1024 * 1024;

[[noreturn]] void refuse(const std::string& name, std::size_t line, const std::string& why) {
  throw Error(Kind::artifact, name + ":" + std::to_string(line) + ": " + why,
              "name files inside the release by plain relative paths, one key a line");
}

std::size_t indent_of(const std::string& line) {
  const std::size_t at = line.find_first_not_of(' ');
  return at == std::string::npos ? line.size() : at;
}

bool is_blank(const std::string& line) { return line.find_first_not_of(" \t\r") == std::string::npos; }

/// The line without its comment. False when a quote stays open: then it cannot be told where the comment begins.
bool strip_comment(std::string& line) {
  char quote = '\0';
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quote != '\0') {
      if (c == quote) quote = '\0';
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '#' && (i == 0 || line[i - 1] == ' ' || line[i - 1] == '\t')) {
      line.erase(i);
      break;
    }
  }
  return quote == '\0';
}

std::vector<std::string> words(const std::string& text) {
  static constexpr const char* kBetween = " \t\r\n,[]{}\"'";
  std::vector<std::string> out;
  for (std::size_t at = text.find_first_not_of(kBetween); at != std::string::npos;) {
    const std::size_t end = text.find_first_of(kBetween, at);
    out.push_back(text.substr(at, end == std::string::npos ? end : end - at));
    at = end == std::string::npos ? end : text.find_first_not_of(kBetween, end);
  }
  return out;
}

/// `key: a`, or the deeper (or listed) lines below it.
class Scanner {
 public:
  Scanner(std::string_view text, const std::string& name) : name_(name), lines_(base::split(text, '\n')) {
    if (text.find('\0') != std::string_view::npos) refuse(name_, 1, "it holds a NUL byte");
  }

  std::vector<Reference> run() {
    static const std::regex key(R"re(^(\s*(?:- +)*)["']?(env_file|label_file|include|extends)["']?\s*:(.*)$)re");
    static const std::regex elsewhere(
        R"re((^|[\s{\[,"'])(env_file|label_file|include|extends)["']?\s*:(\s|$|["'\[{]))re");
    static const std::regex hidden(
        R"re("[^"]*\\[^"]*"\s*:|(^|[\s{,])\*[^\s,{}]+\s*:(\s|$)|^\s*(- +)*\?(\s|$)|!!binary)re");
    for (std::size_t i = 0; i < lines_.size(); ++i) {
      std::smatch match;
      const std::string& line = lines_[i];
      if (std::regex_search(line, hidden)) refuse(name_, i + 1, "a key is written so that it cannot be checked");
      // It would move where the paths of another file begin.
      if (line.find("project_directory") != std::string::npos)
        refuse(name_, i + 1, "'project_directory' is not supported");
      if (std::regex_match(line, match, key)) {
        take_value(match[2], i, static_cast<std::size_t>(match[1].length()), match[3]);
      } else if (std::regex_search(line, match, elsewhere)) {
        refuse(name_, i + 1, "'" + match[2].str() + "' cannot be checked inside of other text");
      }
    }
    return std::move(found_);
  }

 private:
  void take_value(const std::string& key, std::size_t at, std::size_t column, const std::string& rest) {
    long open = take_line(key, at, rest);
    for (std::size_t i = at + 1; i < lines_.size(); ++i) {
      if (is_blank(lines_[i])) continue;
      const std::size_t indent = indent_of(lines_[i]);
      const bool listed = indent == column && lines_[i].compare(indent, 2, "- ") == 0;
      if (indent <= column && !listed && open <= 0) return;
      open += take_line(key, i, lines_[i]);
    }
  }

  /// Returns by how much it opened more brackets than it closed.
  long take_line(const std::string& key, std::size_t at, std::string text) {
    if (!strip_comment(text)) refuse(name_, at + 1, "a quote of '" + key + "' stays open");
    for (const auto& word : words(text)) found_.push_back({key, word, at + 1});
    const auto count = [&](char c) { return std::count(text.begin(), text.end(), c); };
    return count('[') + count('{') - count(']') - count('}');
  }

  const std::string& name_;
  std::vector<std::string> lines_;
  std::vector<Reference> found_;
};

bool leads_out(const std::filesystem::path& folder, const std::string& text) {
  const auto path = (folder / text).lexically_normal();
  return !path.empty() && *path.begin() == "..";
}

}  // namespace

std::vector<Reference> find_references(std::string_view text, const std::string& name) {
  return Scanner(text, name).run();
}

void check_paths(const std::string& tree, const std::string& file) {
  std::vector<std::string> waiting = {file};
  std::set<std::string> seen;
  while (!waiting.empty()) {
    const std::string path = waiting.back();
    waiting.pop_back();
    if (!seen.insert(path).second) continue;
    const std::string name = path.substr(tree.size() + 1);
    const auto folder = std::filesystem::path(name).parent_path();
    const auto references = find_references(base::read_file(path, kLargestFile), name);
    for (const auto& reference : references) {
      const std::string& text = reference.text;
      const std::string what = "'" + reference.key + "' names " + base::one_line(text);
      if (text.front() == '/' || text.front() == '~' || text.find("://") != std::string::npos ||
          base::starts_with(text, "git@")) {
        refuse(name, reference.line, what + ", which is not in the release");
      }
      if (text.find_first_of("$\\") != std::string::npos || text.front() == '*' || text.front() == '!') {
        refuse(name, reference.line, what + ", which cannot be checked");
      }
      if (leads_out(folder, text)) {
        refuse(name, reference.line, what + ", which leads out of the release");
      }
      const std::string next = (std::filesystem::path(tree) / folder / text).lexically_normal().string();
      if ((reference.key == "include" || reference.key == "extends") && base::exists(next) && !is_folder(next)) {
        waiting.push_back(next);
      }
    }
  }
}

}  // namespace wrktalk::deploy::compose
