// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/compose_inputs.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/deploy/compose_env.hpp"
#include "core/deploy/compose_references.hpp"
#include "core/deploy/compose_variables.hpp"
#include "core/deploy/env_file.hpp"
#include "core/deploy/hints.hpp"
#include "core/deploy/tools.hpp"
#include "core/log/secret_values.hpp"

#include <algorithm>
#include <filesystem>
#include <utility>

namespace wrktalk::deploy::compose {
namespace {

using base::Error;
using base::Kind;
using Path = std::filesystem::path;
using yaml::Node;

constexpr std::size_t kMostNotes = 20;
constexpr const char* kOverrides[] = {"compose.override.yaml", "compose.override.yml", "docker-compose.override.yaml",
                                      "docker-compose.override.yml"};

/// A constant of shells and of most people's env files, which is no part of a password.
bool is_variables_name(const std::string& name) {
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; });
}

class Judge {
 public:
  Judge(Files& files, const std::string& name, const SiteInputs& site, const policy::Policy& policy)
      : files_(files), name_(name), site_(site), folder_(Path(name).parent_path()), policy_(policy) {}

  Judgement all() {
    if (site_.env) read_site();
    Walked walked = walk_files(files_, name_, policy_);
    out_.findings = std::move(walked.findings);
    out_.files = std::move(walked.models);
    read_others(walked.opened);
    for (const auto& opened : walked.opened) judge_opened(opened);
    for (const auto& [file, text] : std::map<std::string, std::string>(out_.files)) {
      if (is_model_.count(file) != 0) judge_model_text(file, text);
    }
    out_.notes = at_most(std::move(out_.notes), kMostNotes);
    return std::move(out_);
  }

 private:
  static std::string at(const std::string& file, std::size_t line) { return file + ":" + std::to_string(line) + ": "; }

  void note(const std::string& text) {
    if (std::find(out_.notes.begin(), out_.notes.end(), text) == out_.notes.end()) out_.notes.push_back(text);
  }

  void hide(std::vector<base::Secret> secrets) {
    std::move(secrets.begin(), secrets.end(), std::back_inserter(out_.secrets));
  }

  void read_site() {
    site_file_ = env::read(*site_.env, site_.env_name);
    for (const auto& one : site_file_.notes) note(at(site_.env_name, one.line) + one.text);
  }

  /// `.env` and the override files beside the compose file, and what the models name.
  void read_others(const std::vector<Opened>& opened) {
    for (const auto& [file, text] : out_.files) is_model_.insert(file);
    std::set<std::string> names = {env_name()};
    for (const char* override : kOverrides) names.insert((folder_ / override).string());
    for (const auto& one : opened) names.insert(one.path);
    auto texts = files_.read(names);
    for (const char* override : kOverrides) {
      const std::string file = (folder_ / override).string();
      if (texts.count(file) == 0) continue;
      out_.unused.push_back(file + " is in the release, and nobody reads it: compose is told of " + name_ + " alone");
      if (names.size() > 0 && !is_opened(opened, file)) texts.erase(file);
    }
    for (auto& [file, text] : texts) out_.files.emplace(file, std::move(text));
    if (const auto found = out_.files.find(env_name()); found != out_.files.end()) read_own(found->second);
  }

  static bool is_opened(const std::vector<Opened>& opened, const std::string& file) {
    return std::any_of(opened.begin(), opened.end(), [&](const auto& one) { return one.path == file; });
  }

  std::string env_name() const { return (folder_ / kEnvName).string(); }

  /// The release's `.env`: defaults for what the site does not say.
  void read_own(const std::string& text) {
    hide(log::values_of_env(text));
    const env::File own = env::read(text, env_name(), env::Reader::compose);
    if (!site_.env) {
      for (const auto& one : own.notes) note(at(env_name(), one.line) + one.text);
      site_file_ = own;
      return;
    }
    for (const auto& variable : own.variables) {
      if (own.find(variable.name) == &variable && site_file_.find(variable.name) != nullptr) {
        note(at(env_name(), variable.line) + variable.name + " is set by " + site_.env_name +
             " too: what that says counts");
      }
    }
    site_file_ = env::merge(own, site_file_);
  }

  void judge_opened(const Opened& opened) {
    const bool is_env = opened.path == env_name();
    const auto found = out_.files.find(opened.path);
    if (found == out_.files.end()) {
      if (!opened.reference.must_exist || (is_env && site_.env)) return;
      throw Error(Kind::artifact, opened.by + " names " + base::one_line(opened.path) + ", which is not in the release",
                  is_env ? "pack that file too, or store the site's variables with --env-file"
                         : "pack that file too, or leave the line out");
    }
    if (opened.reference.key != "env_file" || is_env || opened.reference.is_raw) return;
    hide(log::values_of_env(found->second));
    for (const auto& one : env::read(found->second, opened.path, env::Reader::compose).notes)
      note(at(opened.path, one.line) + one.text);
  }

  void judge_model_text(const std::string& file, const std::string& text) {
    for (const auto& document : yaml::read(text, file, {kLargestFile, 1'000'000})) {
      for (const auto& use : variables(document.root())) judge_use(file, use);
      if (site_.env) refuse_mounts_of_env(file, document.root());
    }
  }

  void judge_use(const std::string& file, const Use& use) {
    const std::string where = at(file, use.line);
    switch (use.form) {
      case Use::Form::broken:
        throw Error(Kind::artifact, where + "a '${' begins no variable: compose refuses the file",
                    "write $${ for a '${' that is to stand there");
      case Use::Form::lone:
        out_.secrets.emplace_back(*use.scalar);
        note(where + "a '$' begins no variable: compose v1 refuses the file; write $$ for a '$'");
        return;
      case Use::Form::required:
        if (is_set(use.name)) return;
        throw Error(Kind::artifact,
                    where + "the variable " + base::one_line(use.name) + " is required, and set nowhere",
                    "store it with --env-file");
      case Use::Form::plain:
        if (is_set(use.name)) return;
        if (is_variables_name(use.name))
          return note(where + "the variable " + use.name + " is set nowhere: compose puts nothing in its place");
        out_.secrets.emplace_back(use.name);
        return note(where +
                    "a '$' begins a variable that is set nowhere: compose puts nothing in its place; write $$ "
                    "for a '$'");
      case Use::Form::guarded: return;
    }
  }

  bool is_set(const std::string& name) const {
    return site_file_.find(name) != nullptr || may_be_passed(name, site_.passed_variables);
  }

  /// It is there only while compose works.
  void refuse_mounts_of_env(const std::string& file, const Node& root) {
    const auto look = [&](const Node& node, const std::string& path) {
      if ((Path(file).parent_path() / path).lexically_normal() != Path(env_name())) return;
      throw Error(Kind::artifact,
                  at(file, node.line) + "the file .env is mounted, and " + site_.env_name +
                      " takes its place only while compose works",
                  "name it under env_file, or mount a file with another name");
    };
    for (const auto& [name, service] : services(root)) {
      for (const Node* volumes : service->values("volumes")) {
        for (const Node* one : volumes->items) {
          look(*one, one->is_mapping() ? one->text_of("source") : one->text.substr(0, one->text.find(':')));
        }
      }
    }
    for (const char* section : {"secrets", "configs"}) {
      for (const Node* all : root.values(section)) {
        for (const auto& [name, one] : all->entries()) look(*one, one->text_of("file"));
      }
    }
  }

  Files& files_;
  const std::string& name_;
  const SiteInputs& site_;
  Path folder_;
  const policy::Policy& policy_;
  env::File site_file_;  ///< with the release's own below it
  std::set<std::string> is_model_;
  Judgement out_;
};

}  // namespace

Judgement judge_inputs(Files& files, const std::string& name, const SiteInputs& site, const policy::Policy& policy) {
  return Judge(files, name, site, policy).all();
}

}  // namespace wrktalk::deploy::compose
