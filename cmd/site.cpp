// SPDX-License-Identifier: Apache-2.0
#include "cmd/site.hpp"

#include "cmd/app.hpp"
#include "cmd/terminal.hpp"
#include "core/agent/settings.hpp"
#include "core/base/error.hpp"
#include "core/base/files.hpp"
#include "core/base/text.hpp"
#include "core/log/log.hpp"
#include "core/queue/target.hpp"
#include "core/site/store.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <array>
#include <iostream>
#include <unistd.h>

namespace wrktalk::cmd {
namespace {

using base::Error;
using base::ExitCode;
using base::Kind;
using What = site::Difference::What;

struct ChangeOptions {
  SiteTarget target;
  std::vector<std::string> words;
  std::optional<std::string> from;
  std::optional<std::string> values_file;
  std::optional<std::string> env_file;
  bool secret = false;
  bool replace = false;
  bool dry_run = false;
};

constexpr const char* kStdin = "-";

std::string read_input(const std::string& path, std::size_t limit) {
  if (path != kStdin) return base::read_file(path, limit);
  std::string text;
  std::array<char, 65'536> piece{};
  while (std::cin.read(piece.data(), piece.size()) || std::cin.gcount() > 0) {
    text.append(piece.data(), static_cast<std::size_t>(std::cin.gcount()));
    if (text.size() > limit) throw Error(Kind::failed, "standard input is larger than " + base::human_size(limit));
  }
  return text;
}

std::string shown_name(const std::string& path) { return path == kStdin ? "standard input" : path; }

/// The text of one setting: from a file, a pipe, or somebody at a terminal. Its last line end is none of it.
std::string read_text(const std::string& key, const std::string& path) {
  const bool asks = path == kStdin && is_terminal(STDIN_FILENO);
  if (asks) return ask_secretly("value of " + base::one_line(key));
  std::string text = read_input(path, site::kLargestValue + 2);
  if (base::ends_with(text, "\n")) text.pop_back();
  if (base::ends_with(text, "\r")) text.pop_back();
  return text;
}

void add_word(site::Settings& out, const std::string& word, const ChangeOptions& options, base::TargetKind kind) {
  const auto at = word.find('=');
  if (at == std::string::npos) {
    if (options.words.size() > 1) {
      throw Error(Kind::usage, "'" + base::one_line(word) + "' has no value",
                  "write KEY=VALUE, or name one KEY alone whose value is read from standard input or --from FILE");
    }
    out.push_back(site::from_text(word, read_text(word, options.from.value_or(kStdin)), kind));
    return;
  }
  if (options.from) throw Error(Kind::usage, "--from goes with one KEY, without a value", "leave the value out");
  if (options.secret) {
    throw Error(Kind::usage, "a secret on the command line is seen by everybody on this machine, and kept by the shell",
                "name the KEY alone: the value is read from standard input or --from FILE");
  }
  out.push_back(site::from_words(word.substr(0, at), word.substr(at + 1), kind));
}

site::Settings wanted(const ChangeOptions& options, base::TargetKind kind) {
  site::Settings out;
  if (options.values_file) {
    if (!site::takes_values(kind)) {
      throw Error(Kind::usage, "--file is for values of a Kubernetes target", "give variables by --env-file");
    }
    const std::string text = read_input(*options.values_file, site::kLargestInAll);
    out = site::from_values_file(text, shown_name(*options.values_file));
  }
  if (options.env_file) {
    if (site::takes_values(kind)) {
      throw Error(Kind::usage, "--env-file is for variables of a compose or host target", "give values by --file");
    }
    const std::string text = read_input(*options.env_file, site::kLargestInAll);
    out = site::from_env_file(text, shown_name(*options.env_file), kind);
  }
  site::Settings words;
  for (const auto& word : options.words) add_word(words, word, options, kind);
  out = site::merged(out, words);
  for (auto& setting : out) setting.is_secret = options.secret;
  if (out.empty() && !options.values_file && !options.env_file)
    throw Error(Kind::usage, "nothing to set is named", "write KEY=VALUE, or name a file by --file or --env-file");
  return out;
}

const char* word_of(What what) {
  switch (what) {
    case What::added: return "added";
    case What::changed: return "changed";
    case What::removed: return "removed";
  }
  return "";
}

ExitCode apply(const site::Edit& edit, const SiteTarget& asked, bool dry_run, Env& env) {
  const auto target = asked.find(env);
  db::Session db(agent_database(env, "site"));
  queue::require_schema(db);
  const auto changed = site::change(db, target.name, edit, requested_by(), dry_run);
  if (env.output == Output::json) {
    nlohmann::ordered_json document = {{"target", target.name}, {"revision", changed.revision}, {"dry_run", dry_run}};
    document["changes"] = to_json(changed.differences);
    print_json(document);
    return ExitCode::done;
  }
  print(changed.differences);
  if (changed.differences.empty()) {
    std::cout << target.name << " has these settings already, nothing changed\n";
  } else if (dry_run) {
    std::cout << "would make revision " << changed.revision << " of the settings of " << target.name
              << "; nothing was changed\n";
  } else {
    std::cout << "revision " << changed.revision << " of the settings of " << target.name
              << ": in force from its next deployment on\n";
  }
  return ExitCode::done;
}

ExitCode run_set(const ChangeOptions& options, Env& env) {
  site::Edit edit;
  edit.set = wanted(options, options.target.find(env).kind);
  edit.replaces = options.replace;
  return apply(edit, options.target, options.dry_run, env);
}

ExitCode run_unset(const ChangeOptions& options, Env& env) {
  site::Edit edit;
  edit.unset = options.words;
  return apply(edit, options.target, options.dry_run, env);
}

constexpr std::initializer_list<ExitCode> kCodes = {ExitCode::done,          ExitCode::failed,   ExitCode::usage,
                                                    ExitCode::configuration, ExitCode::database, ExitCode::artifact};

void add_set(CLI::App& group, Selected& chosen) {
  auto options = std::make_shared<ChangeOptions>();
  auto* sub = group.add_subcommand("set", "Set variables, or values for Helm");
  sub->add_option(
      "KEY", options->words,
      "KEY=VALUE: a variable, or the path of a value as in image.tag=1.2; one KEY alone takes its value from --from");
  sub->add_option("--from", options->from, "File with the value of the one KEY; '-' and by default standard input");
  sub->add_option("--file", options->values_file, "Kubernetes: a values file, or '-'; lists are set as a whole");
  sub->add_option("--env-file", options->env_file, "Compose and host: a file of NAME=VALUE lines, or '-'");
  sub->add_flag("--secret", options->secret,
                "They are secrets: kept, used, and never shown again; they stay secrets until unset");
  sub->add_flag("--replace", options->replace, "Unset whatever is not named");
  options->target.add(*sub);
  sub->add_flag("--dry-run", options->dry_run, "Say what would change, change nothing");
  sub->footer(
      footer({"wrktalk site set DOMAIN=shop.example.org WORKERS=4", "wrktalk site set --secret DB_PASSWORD <password",
              "wrktalk site set DB_PASSWORD=vault:kv/shop/db#password",
              "wrktalk site set --target kubernetes:shop/shop --file values.yaml",
              "wrktalk site set --env-file site.env --replace --dry-run"},
             kCodes));
  sub->callback([options, &chosen] { chosen = {"site set", [options](Env& env) { return run_set(*options, env); }}; });
}

void add_unset(CLI::App& group, Selected& chosen) {
  auto options = std::make_shared<ChangeOptions>();
  auto* sub = group.add_subcommand("unset", "Take settings away: what the release says counts again");
  sub->add_option("KEY", options->words, "Names as `site list` shows them; of a value also all below it")->required();
  options->target.add(*sub);
  sub->add_flag("--dry-run", options->dry_run, "Say what would change, change nothing");
  sub->footer(
      footer({"wrktalk site unset WORKERS", "wrktalk site unset ingress --target kubernetes:shop/shop"}, kCodes));
  sub->callback([options, &chosen] {
    chosen = {"site unset", [options](Env& env) { return run_unset(*options, env); }};
  });
}

}  // namespace

deploy::Target SiteTarget::find(const Env& env) const {
  if (!name.empty()) return deploy::parse_target(name);
  return agent::ready(env.settings.agent, {}, {}).targets.front();
}

void SiteTarget::add(CLI::App& sub) {
  sub.add_option("--target", name,
                 "kubernetes:NAMESPACE/RELEASE, docker:PROJECT or host:AGENT (default: what the settings name)");
}

nlohmann::ordered_json to_json(const std::vector<site::Difference>& differences) {
  auto out = nlohmann::ordered_json::array();
  for (const auto& one : differences) {
    nlohmann::ordered_json item = {{"name", one.name}, {"change", word_of(one.what)}};
    if (one.what != What::added) item["from"] = one.before;
    if (one.what != What::removed) item["to"] = one.after;
    out.push_back(std::move(item));
  }
  return out;
}

std::string short_value(const std::string& value) {
  constexpr std::size_t kLongest = 60;
  const std::string line = base::one_line(value);
  return line.size() <= kLongest ? line : base::scrub_utf8(line.substr(0, kLongest)) + "...";
}

void print(const std::vector<site::Difference>& differences) {
  for (const auto& one : differences) {
    const std::string name = base::one_line(one.name);
    switch (one.what) {
      case What::added: std::cout << "+ " << name << "=" << short_value(one.after) << '\n'; break;
      case What::removed: std::cout << "- " << name << "=" << short_value(one.before) << '\n'; break;
      case What::changed:
        std::cout << "~ " << name << "=" << short_value(one.before) << " -> " << short_value(one.after) << '\n';
        break;
    }
  }
}

void add_site(CLI::App& app, Selected& chosen) {
  auto* group =
      app.add_subcommand("site", "The site's own settings, which stay when releases come and go")->group("Releases");
  group->require_subcommand(1);
  add_set(*group, chosen);
  add_site_show(*group, chosen);
  add_unset(*group, chosen);
}

}  // namespace wrktalk::cmd
