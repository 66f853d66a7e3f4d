// SPDX-License-Identifier: Apache-2.0
#include "core/site/setting.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/deploy/env_file.hpp"
#include "core/site/references.hpp"
#include "core/site/values.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

namespace wrktalk::site {
namespace {

using base::Error;
using base::Kind;
using base::TargetKind;

constexpr std::size_t kLongestName = 500;
constexpr std::size_t kLargestOfProgram = 100'000;
constexpr yaml::Limits kLimits = {kLargestInAll, 200'000};

[[noreturn]] void refuse(const std::string& why, const std::string& hint) { throw Error(Kind::usage, why, hint); }

void check_variable(const Setting& setting, TargetKind kind) {
  const std::string shown = base::one_line(setting.name);
  if (!deploy::env::is_name(setting.name))
    refuse("'" + shown + "' is no variable's name", "begin it with a letter or _, and use A-Z a-z 0-9 _ . - alone");
  if (kind == TargetKind::host && deploy::env::is_of_the_machine(setting.name))
    refuse(shown + " is not for a site to set: it changes how programs are found and started", "use another name");
  if (kind == TargetKind::host && setting.value.size() > kLargestOfProgram) {
    refuse("the value of " + shown + " is larger than the " + base::human_size(kLargestOfProgram) +
               " that a program's environment can hold",
           "keep it in a file, and give its path");
  }
  const std::string why = deploy::env::obstacle(setting.value);
  if (!why.empty()) refuse("the value of " + shown + " " + why, "change the value");
}

std::vector<yaml::Document> read_value(const Setting& setting) {
  try {
    return yaml::read(setting.value, "the value of " + base::one_line(setting.name), kLimits);
  } catch (const Error& e) {
    if (e.kind() != Kind::artifact) throw;
    throw Error(Kind::usage, e.what(), "put a text into quotes: KEY='\"text\"'");
  }
}

void check_value(const Setting& setting) {
  parts_of(setting.name);
  if (base::scrub_utf8(setting.value) != setting.value || base::scrub_utf8(setting.name) != setting.name)
    refuse("the value of " + base::one_line(setting.name) + " is not UTF-8, or holds NUL", "change the value");
  for (const auto& document : read_value(setting))
    each_text(document.root(), [](const std::string& text) { pieces_of(text); });
}

/// A reader's place in front of what is wrong with a setting of a file.
template <typename Act>
void at(const std::string& file, std::size_t line, Act act) {
  try {
    act();
  } catch (const Error& e) {
    if (e.kind() != Kind::usage) throw;
    throw Error(Kind::artifact, file + ":" + std::to_string(line) + ": " + e.what(), e.hint());
  }
}

class Flattening {
 public:
  explicit Flattening(const std::string& file) : file_(file) {}

  void add(const yaml::Node& node) {
    if (node.is_mapping() && !node.entries().empty()) {
      mapping(node);
      return;
    }
    Setting setting{to_path(path_), to_flow(node)};
    at(file_, node.line, [&] { check(setting, TargetKind::kubernetes); });
    out_.push_back(std::move(setting));
  }

  Settings take() { return std::move(out_); }

 private:
  void mapping(const yaml::Node& node) {
    std::set<std::string> own;
    for (const auto& [key, value] : node.own) {
      if (key->text != "<<" && !own.insert(key->text).second) {
        throw Error(Kind::artifact,
                    file_ + ":" + std::to_string(key->line) + ": " + base::one_line(key->text) + " is set twice",
                    "leave one of them out");
      }
    }
    std::set<std::string> seen;
    for (const auto& [key, value] : node.entries()) {
      // What a merge key brings in comes as entries of their own.
      if (key->text == "<<" || !seen.insert(key->text).second) continue;
      path_.push_back(key->text);
      at(file_, key->line, [&] { parts_of(to_path(path_)); });
      add(*value);
      path_.pop_back();
    }
  }

  const std::string& file_;
  std::vector<std::string> path_;
  Settings out_;
};

/// Values by their paths, written as one mapping.
struct Tree {
  std::string value;
  std::map<std::string, Tree> below;

  std::string text() const {
    if (below.empty()) return value;
    std::string out;
    for (const auto& [name, tree] : below) out += (out.empty() ? "{" : ", ") + quoted(name) + ": " + tree.text();
    return out + "}";
  }
};

}  // namespace

void check(const Setting& setting, TargetKind kind) {
  if (setting.name.empty() || setting.name.size() > kLongestName)
    refuse("a setting's name has 1 to " + std::to_string(kLongestName) + " bytes", "use a shorter name");
  if (setting.value.size() > kLargestValue) {
    refuse("the value of " + base::one_line(setting.name) + " is larger than " + base::human_size(kLargestValue),
           "keep it in a file on the agent's machine and name that: ${file:/PATH}");
  }
  if (takes_values(kind)) return check_value(setting);
  check_variable(setting, kind);
  try {
    pieces_of(setting.value);
  } catch (Error& e) {
    e.add_context("the value of " + setting.name);
    throw;
  }
}

void check_all(const Settings& settings, TargetKind kind) {
  std::size_t bytes = 0;
  for (const auto& setting : settings) bytes += setting.name.size() + setting.value.size();
  if (settings.size() > kMostSettings || bytes > kLargestInAll) {
    refuse("a target's settings are at most " + std::to_string(kMostSettings) + ", and " +
               base::human_size(kLargestInAll) + " in all",
           "keep what is large in a file on the agent's machine and name that: ${file:/PATH}");
  }
  if (!takes_values(kind)) return;
  for (const auto& one : settings) {
    for (const auto& other : settings) {
      if (&one == &other || one.name.size() <= other.name.size() || !base::starts_with(one.name, other.name)) continue;
      if (!is_at_or_below(one.name, other.name)) continue;
      refuse(base::one_line(other.name) + " is set to a value, and so is " + base::one_line(one.name) +
                 ", which is a part of it",
             "unset one of them: wrktalk site unset " + other.name);
    }
  }
}

Setting from_words(const std::string& key, const std::string& value, TargetKind kind) {
  if (!takes_values(kind)) return from_text(key, value, kind);
  const bool is_yaml = !value.empty() && std::string_view("[{\"'").find(value.front()) != std::string_view::npos;
  Setting setting{key, value};
  if (is_yaml) {
    const auto documents = read_value(setting);
    if (documents.size() != 1)
      refuse("the value of " + base::one_line(key) + " is no YAML", "put a text into quotes: KEY='\"text\"'");
    setting.value = to_flow(documents.front().root());
  } else {
    yaml::Node node;
    node.text = value;
    setting.value = value.empty() ? quoted(value) : to_flow(node);
  }
  check(setting, kind);
  return setting;
}

Setting from_text(const std::string& key, const std::string& text, TargetKind kind) {
  if (takes_values(kind) && base::scrub_utf8(text) != text)
    refuse("the value of " + base::one_line(key) + " is not UTF-8, or holds NUL", "change the value");
  Setting setting{key, takes_values(kind) ? quoted(text) : text};
  check(setting, kind);
  return setting;
}

Settings from_env_file(std::string_view text, const std::string& name, TargetKind kind) {
  const auto file = deploy::env::read(text, name, deploy::env::Reader::site);
  Settings out;
  for (const auto& variable : file.variables) {
    Setting setting{variable.name, variable.value};
    at(name, variable.line, [&] { check(setting, kind); });
    if (file.find(variable.name) == &variable) out.push_back(std::move(setting));
  }
  return out;
}

Settings from_values_file(std::string_view text, const std::string& name) {
  Settings out;
  for (const auto& document : yaml::read(text, name, kLimits)) {
    if (document.root().is_null()) continue;
    if (!document.root().is_mapping()) {
      throw Error(Kind::artifact, name + ":" + std::to_string(document.root().line) + ": it is no mapping",
                  "write values as NAME: VALUE");
    }
    if (document.root().entries().empty()) continue;
    Flattening flattening(name);
    flattening.add(document.root());
    out = merged(out, flattening.take());
  }
  return out;
}

std::string to_env_file(const Settings& settings) {
  deploy::env::File file;
  for (const auto& setting : settings) file.variables.push_back({setting.name, setting.value, 0});
  return deploy::env::write(file, deploy::env::Dialect::compose_v2);
}

std::string to_values_file(const Settings& settings) {
  Tree tree;
  for (const auto& setting : settings) {
    Tree* at = &tree;
    for (const auto& part : parts_of(setting.name)) at = &at->below[part];
    at->value = setting.value;
  }
  return settings.empty() ? "{}\n" : tree.text() + "\n";
}

Settings merged(const Settings& under, const Settings& over) {
  std::map<std::string, Setting> by_name;
  for (const auto* settings : {&under, &over}) {
    for (const auto& setting : *settings) {
      auto& place = by_name[setting.name];
      const bool was_secret = place.is_secret;
      place = setting;
      place.is_secret = place.is_secret || was_secret;
    }
  }
  Settings out;
  for (auto& [name, setting] : by_name) out.push_back(std::move(setting));
  return out;
}

}  // namespace wrktalk::site
