// SPDX-License-Identifier: Apache-2.0
#include "cmd/release.hpp"
#include "core/agent/app_databases.hpp"
#include "core/agent/settings.hpp"
#include "core/artifact/contents.hpp"
#include "core/base/error.hpp"
#include "core/base/files.hpp"
#include "core/base/text.hpp"
#include "core/release_manifest/manifest.hpp"

#include <CLI/CLI.hpp>

#include <filesystem>
#include <iostream>

namespace wrktalk::cmd {
namespace {

using base::Error;
using base::ExitCode;
using base::Kind;
using release_manifest::Manifest;

struct InitOptions {
  std::string type = "compose";
  std::string file;
};

struct LintOptions {
  std::string path;
  std::optional<std::string> type;
  std::optional<std::string> version;
};

Manifest parse_file(const std::string& path, const release_manifest::Reading& reading) {
  return release_manifest::parse(base::read_file(path, release_manifest::kLargestFile), path, reading);
}

/// The manifest in an archive; nothing when it has none.
std::optional<Manifest> manifest_in(const artifact::CheckedFile& file, const release_manifest::Reading& reading,
                                    const Env& env, base::Pulse& pulse) {
  const std::string& name = file.manifest_file();
  if (name.empty()) return std::nullopt;
  const auto texts =
      artifact::read_files(file, {name}, release_manifest::kLargestFile, env.settings.agent.limits, pulse);
  return release_manifest::parse(texts.at(name), file.path() + ": " + base::one_line(name), reading);
}

/// The manifest in a tree, or in the one folder in it; nothing when there is none.
std::optional<Manifest> manifest_below(const std::string& tree, const release_manifest::Reading& reading) {
  std::vector<std::string> folders = {tree};
  for (const auto& item : std::filesystem::directory_iterator(tree)) folders.push_back(item.path().string());
  if (folders.size() > 2) folders.resize(1);
  for (const auto& folder : folders) {
    const std::string path = folder + "/" + release_manifest::kFileName;
    if (base::exists(path)) return parse_file(path, reading);
  }
  return std::nullopt;
}

/// What one file of migrations may have at most, in bytes.
constexpr std::size_t kLargestMigration = 16u << 20;

/// The migrations that a manifest names must be in the archive, and such as can be run.
void check_migrations(const std::optional<Manifest>& manifest, const artifact::CheckedFile& file, const Env& env,
                      base::Pulse& pulse) {
  if (!manifest || !manifest->migrations) return;
  const auto& asked = *manifest->migrations;
  try {
    const auto texts = artifact::read_folder(file, asked.dir, kLargestMigration, env.settings.agent.limits, pulse);
    agent::check_migrations(asked, migrate::make_migrations(asked.dir, texts), asked.dir);
  } catch (const Error& e) {
    if (e.kind() != Kind::failed && e.kind() != Kind::artifact) throw;
    throw Error(Kind::artifact, file.path() + ": " + e.what(), e.hint());
  }
}

/// What a folder would be as a release.
std::string type_of_folder(const std::string& folder) {
  artifact::Contents contents;
  for (const auto& item : std::filesystem::directory_iterator(folder)) {
    artifact::Entry entry;
    entry.path = item.path().filename().string();
    entry.type = item.is_regular_file() ? artifact::Entry::Type::file : artifact::Entry::Type::folder;
    contents.entry(entry);
  }
  try {
    return contents.chart_type(std::nullopt);
  } catch (const Error&) {
    return "host";
  }
}

/// What a lint has read, and for which type of release.
struct Linted {
  Manifest manifest;
  std::optional<std::string> type;
};

Linted lint(const LintOptions& options, Env& env) {
  release_manifest::Reading reading{options.type, options.version};
  if (std::filesystem::is_directory(options.path)) {
    if (!reading.chart_type) reading.chart_type = type_of_folder(options.path);
    const auto manifest = parse_file(options.path + "/" + release_manifest::kFileName, reading);
    if (manifest.migrations) agent::NamedDatabases(env.settings.agent).read(options.path, *manifest.migrations);
    return {manifest, reading.chart_type};
  }
  if (std::filesystem::path(options.path).extension() == ".toml")
    return {parse_file(options.path, reading), reading.chart_type};
  SignalPulse pulse(env.signals);
  const auto file = artifact::check_file(options.path, options.type, env.settings.agent.limits, pulse);
  reading.chart_type = file.chart_type();
  const auto found = manifest_in(file, reading, env, pulse);
  if (!found) {
    throw Error(Kind::artifact, options.path + ": there is no " + release_manifest::kFileName + " in it",
                "put one into the top folder of the archive: wrktalk release init");
  }
  check_migrations(found, file, env, pulse);
  return {*found, reading.chart_type};
}

ExitCode run_lint(const LintOptions& options, Env& env) {
  const Linted linted = lint(options, env);
  const std::string json = release_manifest::to_json(linted.manifest);
  if (env.output == Output::json) {
    nlohmann::ordered_json document = {{"path", options.path}, {"type", nullptr}};
    if (linted.type) document["type"] = *linted.type;
    document["manifest"] = nlohmann::ordered_json::parse(json);
    print_json(document);
    return ExitCode::done;
  }
  std::cout << base::one_line(options.path) << ": good" << (linted.type ? " for a " + *linted.type + " release" : "")
            << (json == "{}" ? ", and says nothing" : "") << '\n';
  return ExitCode::done;
}

ExitCode run_init(const InitOptions& options, Env& env) {
  const std::string text = release_manifest::commented_example(options.type);
  if (options.file.empty()) {
    std::cout << text;
    return ExitCode::done;
  }
  if (base::exists(options.file) && !confirm(env, "replace " + options.file + "?")) return ExitCode::failed;
  base::write_file(options.file, text, 0644);
  std::cout << "wrote " << base::one_line(options.file) << '\n';
  return ExitCode::done;
}

}  // namespace

std::optional<std::string> manifest_json(const artifact::CheckedFile& file, const std::optional<std::string>& apart,
                                         const std::string& version, const Env& env, base::Pulse& pulse) {
  const release_manifest::Reading reading{file.chart_type(), version};
  const auto manifest = apart ? std::optional(parse_file(*apart, reading)) : manifest_in(file, reading, env, pulse);
  if (!manifest) return std::nullopt;
  check_migrations(manifest, file, env, pulse);
  auto json = release_manifest::to_json(*manifest);
  if (json == "{}") return std::nullopt;
  return json;
}

std::string manifest_text(const artifact::Artifact& artifact) {
  if (artifact.manifest.empty()) return {};
  release_manifest::Reading reading;
  reading.only_supported = false;
  return to_toml(release_manifest::from_json(artifact.manifest, "the manifest of " + named(artifact), reading));
}

bool holds_its_manifest(const artifact::Artifact& artifact, const std::string& place, const Env& env,
                        base::Pulse& pulse) {
  if (artifact.manifest.empty()) return true;
  release_manifest::Reading reading;
  reading.only_supported = false;
  try {
    const bool is_tree = std::filesystem::is_directory(place);
    const auto inside =
        is_tree ? manifest_below(place, reading)
                : manifest_in(artifact::check_file(place, artifact.chart_type, env.settings.agent.limits, pulse),
                              reading, env, pulse);
    return inside && nlohmann::json::parse(to_json(*inside)) == nlohmann::json::parse(artifact.manifest);
  } catch (const Error& e) {
    // What another manifest took the place of may be anything.
    if (e.kind() != Kind::artifact) throw;
    return false;
  }
}

void add_release_init(CLI::App& release, Selected& chosen) {
  auto options = std::make_shared<InitOptions>();
  auto* sub = release.add_subcommand("init", "Write a commented wrktalk.toml, a release's manifest");
  sub->add_option("FILE", options->file, "The file to write; without it to stdout");
  std::vector<std::string> types;
  for (const auto& kind : base::kTargetKinds) types.emplace_back(kind.chart_type);
  sub->add_option("--type", options->type, "The type of the release")
      ->check(CLI::IsMember(types))
      ->capture_default_str();
  sub->footer(footer({"wrktalk release init > wrktalk.toml", "wrktalk release init --type host tree/wrktalk.toml"},
                     {ExitCode::done, ExitCode::failed, ExitCode::usage}));
  sub->callback([options, &chosen] {
    chosen = {"release init", [options](Env& env) { return run_init(*options, env); }};
  });
}

void add_release_lint(CLI::App& release, Selected& chosen) {
  auto options = std::make_shared<LintOptions>();
  auto* sub = release.add_subcommand("lint", "Check a release's manifest, without a database");
  sub->add_option("PATH", options->path, "A wrktalk.toml, a folder that holds one, or an archive")
      ->required()
      ->check(CLI::ExistingPath);
  add_type(*sub, options->type, "The type of the release; of a folder and an archive it is recognised");
  sub->add_option("--version", options->version, "The release's version: upgrade-from is checked against it");
  sub->footer(footer({"wrktalk release lint wrktalk.toml --type host", "wrktalk release lint shop-1.4.2.tgz"},
                     {ExitCode::done, ExitCode::failed, ExitCode::usage, ExitCode::artifact}));
  sub->callback([options, &chosen] {
    chosen = {"release lint", [options](Env& env) { return run_lint(*options, env); }};
  });
}

}  // namespace wrktalk::cmd
