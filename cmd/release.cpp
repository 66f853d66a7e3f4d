// SPDX-License-Identifier: Apache-2.0
#include "cmd/app.hpp"
#include "core/agent/settings.hpp"
#include "core/artifact/artifact.hpp"
#include "core/artifact/requirement.hpp"
#include "core/artifact/server_env.hpp"
#include "core/base/error.hpp"
#include "core/base/files.hpp"
#include "core/base/target_kind.hpp"
#include "core/base/text.hpp"
#include "core/deploy/compose_inputs.hpp"
#include "core/deploy/compose_tool.hpp"
#include "core/deploy/compose_trial.hpp"
#include "core/deploy/helm_trial.hpp"
#include "core/log/log.hpp"
#include "core/yaml/document.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <iostream>

namespace wrktalk::cmd {
namespace {

using artifact::Artifact;
using base::ExitCode;
using nlohmann::ordered_json;

struct AddOptions {
  std::string file;
  std::string version;
  std::optional<std::string> type;
  std::optional<std::string> env_file;
  std::optional<std::string> values_file;
  std::optional<std::string> requires_schema;
  std::optional<std::string> server_env_file;
};

/// One stored release, as the user names it.
struct PickOptions {
  std::string version;
  std::optional<std::string> type;
};

struct ExportOptions {
  PickOptions pick;
  std::string destination;
  bool unpack = false;
};

struct VerifyOptions {
  std::vector<std::string> versions;
  std::optional<std::string> type;
  bool all = false;
};

ordered_json to_json(const Artifact& artifact) {
  ordered_json out = {{"id", artifact.id},
                      {"version", artifact.version},
                      {"type", artifact.chart_type},
                      {"size_bytes", artifact.size_bytes},
                      {"sha256", artifact.sha256},
                      {"chunked", artifact.chunked},
                      {"current", artifact.is_current},
                      {"previous", artifact.is_previous},
                      {"created_at", artifact.created_at},
                      {"applied_at", nullptr},
                      {"has_env", artifact.has_env},
                      {"has_values", artifact.has_values},
                      {"has_server_env", artifact.has_server_env},
                      {"requires_schema", nullptr}};
  if (!artifact.requires_schema.empty()) out["requires_schema"] = artifact.requires_schema;
  if (artifact.applied_at) out["applied_at"] = *artifact.applied_at;
  return out;
}

const char* standing(const Artifact& artifact) {
  return artifact.is_current ? "current" : artifact.is_previous ? "previous" : "-";
}

std::string named(const Artifact& artifact) { return artifact.version + " (" + artifact.chart_type + ")"; }

std::optional<std::string> text_of(const std::optional<std::string>& path) {
  if (!path) return std::nullopt;
  return base::read_file(*path, artifact::kLargestText);
}

/// The archive that is to be stored, for judging its compose files as `deploy` does.
class ArchiveFiles : public deploy::compose::Files {
 public:
  ArchiveFiles(const artifact::CheckedFile& file, const artifact::Limits& limits, base::Pulse& pulse)
      : file_(file), limits_(limits), pulse_(pulse) {}

  std::map<std::string, std::string> read(const std::set<std::string>& names) override {
    return artifact::read_files(file_, names, deploy::compose::kLargestFile, limits_, pulse_);
  }

 private:
  const artifact::CheckedFile& file_;
  const artifact::Limits& limits_;
  base::Pulse& pulse_;
};

/// Everything that a deployment would refuse, as far as it can be told here.
void judge_compose(const artifact::CheckedFile& file, const AddOptions& options, const artifact::NewRelease& release,
                   const Env& env, base::Pulse& pulse) {
  deploy::Settings settings;
  settings.compose_bin = env.settings.compose_bin;
  settings.policy = agent::policy_from(env.settings);
  const auto limits = agent::limits_from(env.settings);
  ArchiveFiles files(file, limits, pulse);
  deploy::compose::SiteInputs site;
  site.env = release.env_data;
  if (options.env_file) site.env_name = *options.env_file;
  site.passed_variables = deploy::compose_variables(settings);
  auto judged = deploy::compose::judge_inputs(files, file.compose_file(), site, settings.policy);
  if (!judged.unused.empty()) {
    throw base::Error(base::Kind::artifact, judged.unused.front(),
                      "put what it says into " + file.compose_file() + ", or leave it out of the archive");
  }
  const bool tried = deploy::compose::try_compose(judged, file.compose_file(), site, settings, pulse);
  for (const auto& warning : deploy::policy::enforce(settings.policy, judged.findings))
    log::warn("release.policy", warning);
  for (const auto& note : judged.notes) log::warn("release.note", note);
  if (!tried)
    log::warn("release.not_tried", "compose is not on this machine: the release was judged by its files alone");
}

/// What helm would refuse before it looks at the chart.
void judge_values(const AddOptions& options, const artifact::NewRelease& release) {
  if (!release.values_data) return;
  for (const auto& document :
       yaml::read(*release.values_data, *options.values_file, {artifact::kLargestText, 200'000})) {
    if (document.root().is_mapping() || document.root().is_null()) continue;
    throw base::Error(base::Kind::artifact,
                      *options.values_file + ":" + std::to_string(document.root().line) + ": it is no mapping",
                      "write values as NAME: VALUE");
  }
}

void judge_chart(const artifact::NewRelease& release, const std::string& file, const Env& env, base::Pulse& pulse) {
  const deploy::helm::Subject subject{
      env.settings.helm_bin, {}, env.settings.kube_namespace, env.settings.helm_release_name};
  const auto trial =
      deploy::helm::try_chart(file, release.values_data, subject, agent::policy_from(env.settings), pulse);
  for (const auto& warning : trial.warnings) log::warn("release.policy", warning);
  if (!trial.is_rendered)
    log::warn("release.not_tried", "the chart was not rendered, and is judged when it is deployed: " + trial.why_not);
}

void judge(const artifact::CheckedFile& file, const AddOptions& options, const artifact::NewRelease& release,
           const Env& env, base::Pulse& pulse) {
  if (file.chart_type() == "compose") judge_compose(file, options, release, env, pulse);
  if (file.chart_type() != "helm") return;
  judge_values(options, release);
  judge_chart(release, options.file, env, pulse);
}

ExitCode run_add(const AddOptions& options, Env& env) {
  SignalPulse pulse(env.signals);
  artifact::NewRelease release{options.version, text_of(options.env_file), text_of(options.values_file)};
  if (options.requires_schema) {
    std::vector<std::string> parts;
    for (const auto& one : artifact::parse_requirements(*options.requires_schema)) parts.push_back(to_text(one));
    release.requires_schema = base::join(parts, ",");
  }
  if (options.server_env_file) release.server_env = artifact::checked_server_env(*text_of(options.server_env_file));
  Progress checking("checking " + options.file, 0);
  const auto limits = agent::limits_from(env.settings);
  const auto file = artifact::check_file(options.file, options.type, limits, pulse,
                                         [&](std::uint64_t done_bytes) { checking.at(done_bytes); });
  judge(file, options, release, env, pulse);
  db::raw::Connection db(agent_database(env, "release add"));
  Progress storing("storing " + options.file, file.size_bytes());
  const auto stored =
      artifact::store(db, file, release, pulse, [&](std::uint64_t done_bytes) { storing.at(done_bytes); });
  if (env.output == Output::json) {
    auto document = to_json(stored.artifact);
    document["was_there"] = stored.was_there;
    print_json(document);
  } else if (stored.was_there) {
    std::cout << "release " << named(stored.artifact) << " is there already, nothing changed\n";
  } else {
    std::cout << "stored release " << named(stored.artifact) << ", " << base::human_size(stored.artifact.size_bytes)
              << ", sha256 " << stored.artifact.sha256 << '\n';
  }
  return ExitCode::done;
}

ExitCode run_list(Env& env) {
  SignalPulse pulse(env.signals);
  db::raw::Connection db(agent_database(env, "release list"));
  const auto artifacts = artifact::list(db, pulse);
  if (env.output == Output::json) {
    ordered_json document = ordered_json::array();
    for (const Artifact& one : artifacts) document.push_back(to_json(one));
    print_json(document);
    return ExitCode::done;
  }
  Table table({"VERSION", "TYPE", "SIZE", "STATE", "CREATED", "APPLIED"});
  for (const Artifact& one : artifacts) {
    table.add({one.version, one.chart_type, base::human_size(one.size_bytes), standing(one), one.created_at,
               one.applied_at.value_or("-")});
  }
  std::cout << table.text();
  return ExitCode::done;
}

ExitCode run_show(const PickOptions& options, Env& env) {
  SignalPulse pulse(env.signals);
  db::raw::Connection db(agent_database(env, "release show"));
  const Artifact one = artifact::find(db, options.version, options.type, pulse);
  if (env.output == Output::json) {
    print_json(to_json(one));
    return ExitCode::done;
  }
  const std::pair<const char*, std::string> lines[] = {
      {"version:  ", one.version},
      {"type:     ", one.chart_type},
      {"id:       ", one.id},
      {"size:     ", base::human_size(one.size_bytes) + " (" + std::to_string(one.size_bytes) + " bytes)"},
      {"sha256:   ", one.sha256},
      {"state:    ", standing(one)},
      {"created:  ", one.created_at},
      {"applied:  ", one.applied_at.value_or("-")},
      {"env:      ", one.has_env ? "stored, not shown" : "-"},
      {"values:   ", one.has_values ? "stored, not shown" : "-"},
      {"settings: ", one.has_server_env ? "stored, added to server_env when it is deployed" : "-"},
      {"schema:   ", one.requires_schema.empty() ? "any" : one.requires_schema}};
  for (const auto& [head, value] : lines) std::cout << head << base::one_line(value) << '\n';
  return ExitCode::done;
}

ExitCode run_export(const ExportOptions& options, Env& env) {
  const std::string& destination = options.destination;
  if (base::exists(destination) && !confirm(env, "replace " + destination + "?")) return ExitCode::failed;
  SignalPulse pulse(env.signals);
  db::raw::Connection db(agent_database(env, "release export"));
  const Artifact one = artifact::find(db, options.pick.version, options.pick.type, pulse);
  Progress progress((options.unpack ? "unpacking " : "exporting ") + named(one), one.size_bytes);
  const auto at = [&](std::uint64_t done_bytes) { progress.at(done_bytes); };
  if (options.unpack) {
    artifact::fetch(db, one, destination, agent::limits_from(env.settings), pulse, at);
  } else {
    artifact::export_to(db, one, destination, pulse, at);
  }
  if (env.output == Output::json) {
    auto document = to_json(one);
    document["path"] = destination;
    print_json(document);
  } else {
    std::cout << "wrote release " << named(one) << " to " << base::one_line(destination) << ", digest verified\n";
  }
  return ExitCode::done;
}

std::vector<Artifact> picked(db::raw::Connection& db, const VerifyOptions& options, base::Pulse& pulse) {
  if (options.all) return artifact::list(db, pulse);
  std::vector<Artifact> artifacts;
  for (const std::string& version : options.versions) {
    artifacts.push_back(artifact::find(db, version, options.type, pulse));
  }
  return artifacts;
}

ExitCode run_verify(const VerifyOptions& options, Env& env) {
  if (options.all != options.versions.empty()) {
    throw base::Error(base::Kind::usage, "name the releases to verify, or say --all");
  }
  SignalPulse pulse(env.signals);
  db::raw::Connection db(agent_database(env, "release verify"));
  ordered_json document = ordered_json::array();
  ExitCode code = ExitCode::done;
  for (const Artifact& one : picked(db, options, pulse)) {
    Progress progress("verifying " + named(one), one.size_bytes);
    const auto verdict = artifact::verify(db, one, agent::limits_from(env.settings), pulse,
                                          [&](std::uint64_t done_bytes) { progress.at(done_bytes); });
    if (!verdict.good()) code = ExitCode::artifact;
    if (env.output == Output::json) {
      auto line = to_json(one);
      line["good"] = verdict.good();
      line["problem"] = verdict.problem;
      line["entries"] = verdict.entries;
      line["unpacked_bytes"] = verdict.unpacked_bytes;
      document.push_back(std::move(line));
    } else if (verdict.good()) {
      std::cout << "good     " << named(one) << ": " << verdict.entries << " entries, "
                << base::human_size(verdict.unpacked_bytes) << " unpacked" << std::endl;
    } else {
      std::cout << "REFUSED  " << named(one) << ": " << base::one_line(verdict.problem) << std::endl;
    }
  }
  if (env.output == Output::json) print_json(document);
  return code;
}

void add_type(CLI::App& sub, std::optional<std::string>& type, const char* help) {
  std::vector<std::string> types;
  for (const auto& kind : base::kTargetKinds) types.emplace_back(kind.chart_type);
  sub.add_option("--type", type, help)->check(CLI::IsMember(types));
}

void add_pick(CLI::App& sub, PickOptions& pick) {
  sub.add_option("VERSION", pick.version, "A release's version, or its id")->required();
  add_type(sub, pick.type, "Which of several releases with this version");
}

void add_add(CLI::App& release, Selected& chosen) {
  auto options = std::make_shared<AddOptions>();
  auto* sub = release.add_subcommand("add", "Check an archive and store it");
  sub->add_option("FILE", options->file, "A .tgz, .tar.gz, .tar.zst or .tar")->required();
  sub->add_option("--version", options->version, "The release's version")->required();
  add_type(*sub, options->type, "What it is; a chart and a compose bundle are recognised, host never");
  sub->add_option("--env-file", options->env_file, "A file of NAME=VALUE lines that goes with the release");
  sub->add_option("--values", options->values_file, "A Helm values file that goes with the release");
  sub->add_option("--requires-schema", options->requires_schema,
                  "Schema versions it runs with: checkpoint>=9, several with commas");
  sub->add_option("--server-env", options->server_env_file,
                  "A JSON file of new settings: added to server_env, where the key is absent, when it is deployed");
  sub->footer(footer({"wrktalk release add shop-1.4.2.tgz --version 1.4.2 --values prod.yaml",
                      "wrktalk release add bundle.tar.gz --version 2026-01-31 --env-file prod.env",
                      "wrktalk release add tree.tar.zst --version 7 --type host"},
                     {ExitCode::done, ExitCode::failed, ExitCode::usage, ExitCode::configuration, ExitCode::database,
                      ExitCode::artifact}));
  sub->callback([options, &chosen] {
    chosen = {"release add", [options](Env& env) { return run_add(*options, env); }};
  });
}

void add_list(CLI::App& release, Selected& chosen) {
  auto* sub = release.add_subcommand("list", "The stored releases, newest first");
  sub->footer(footer({"wrktalk release list", "wrktalk release list -o json | jq -r '.[].version'"},
                     {ExitCode::done, ExitCode::usage, ExitCode::configuration, ExitCode::database}));
  sub->callback([&chosen] { chosen = {"release list", run_list}; });
}

void add_show(CLI::App& release, Selected& chosen) {
  auto options = std::make_shared<PickOptions>();
  auto* sub = release.add_subcommand("show", "One stored release");
  add_pick(*sub, *options);
  sub->footer(footer({"wrktalk release show 1.4.2", "wrktalk release show 1.4.2 --type helm -o json"},
                     {ExitCode::done, ExitCode::failed, ExitCode::usage, ExitCode::configuration, ExitCode::database}));
  sub->callback([options, &chosen] {
    chosen = {"release show", [options](Env& env) { return run_show(*options, env); }};
  });
}

void add_export(CLI::App& release, Selected& chosen) {
  auto options = std::make_shared<ExportOptions>();
  auto* sub = release.add_subcommand("export", "Write a stored archive to a file, or its tree to a folder");
  add_pick(*sub, options->pick);
  sub->add_option("DESTINATION", options->destination, "The file, or with --unpack the folder, to write")->required();
  sub->add_flag("--unpack", options->unpack, "Unpack the archive, as a deployment does");
  sub->footer(footer({"wrktalk release export 1.4.2 shop-1.4.2.tgz", "wrktalk release export 1.4.2 look/ --unpack"},
                     {ExitCode::done, ExitCode::failed, ExitCode::usage, ExitCode::configuration, ExitCode::database,
                      ExitCode::artifact}));
  sub->callback([options, &chosen] {
    chosen = {"release export", [options](Env& env) { return run_export(*options, env); }};
  });
}

void add_verify_releases(CLI::App& release, Selected& chosen) {
  auto options = std::make_shared<VerifyOptions>();
  auto* sub = release.add_subcommand("verify", "Read stored archives through digest and checks, writing nothing");
  sub->add_option("VERSION", options->versions, "Releases' versions, or their ids");
  add_type(*sub, options->type, "Which of several releases with a version");
  sub->add_flag("--all", options->all, "Every stored release");
  sub->footer(footer({"wrktalk release verify 1.4.2", "wrktalk release verify --all -o json"},
                     {ExitCode::done, ExitCode::failed, ExitCode::usage, ExitCode::configuration, ExitCode::database,
                      ExitCode::artifact}));
  sub->callback([options, &chosen] {
    chosen = {"release verify", [options](Env& env) { return run_verify(*options, env); }};
  });
}

}  // namespace

void add_release(CLI::App& app, Selected& chosen) {
  auto* release = app.add_subcommand("release", "Releases in the database: add, list, show, export, verify, prune")
                      ->group("Releases");
  release->require_subcommand(1);
  add_add(*release, chosen);
  add_list(*release, chosen);
  add_show(*release, chosen);
  add_export(*release, chosen);
  add_verify_releases(*release, chosen);
  add_release_prune(*release, chosen);
}

}  // namespace wrktalk::cmd
