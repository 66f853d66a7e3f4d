// SPDX-License-Identifier: Apache-2.0
#include "cmd/release.hpp"

#include "core/agent/settings.hpp"
#include "core/base/error.hpp"
#include "core/base/files.hpp"
#include "core/base/target_kind.hpp"
#include "core/base/text.hpp"
#include "core/images/export.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <iostream>

namespace wrktalk::cmd {

using artifact::Artifact;
using base::ExitCode;
using nlohmann::ordered_json;

namespace {

struct ExportOptions {
  PickOptions pick;
  std::string destination;
  std::optional<std::string> images;
  bool unpack = false;
};

struct VerifyOptions {
  std::vector<std::string> versions;
  std::optional<std::string> type;
  bool all = false;
};

const char* standing(const Artifact& artifact) {
  return artifact.is_current ? "current" : artifact.is_previous ? "previous" : "-";
}

std::map<std::string, images::Usage> usages_of(const Env& env, const std::string& command) {
  db::Session db(agent_database(env, command));
  return images::usage(db);
}

std::string size_text(std::int64_t bytes) { return base::human_size(static_cast<std::uint64_t>(bytes)); }

std::string described(const images::Usage& usage) {
  if (usage.images == 0) return "-";
  return std::to_string(usage.images) + ", " + size_text(usage.size) +
         (usage.shared == 0 ? std::string() : ", " + size_text(usage.shared) + " shared");
}

ExitCode run_list(Env& env) {
  SignalPulse pulse(env.signals);
  db::raw::Connection db(agent_database(env, "release list"));
  const auto artifacts = artifact::list(db, pulse);
  auto usages = usages_of(env, "release list");
  if (env.output == Output::json) {
    ordered_json document = ordered_json::array();
    for (const Artifact& one : artifacts) document.push_back(to_json(one, usages[one.id]));
    print_json(document);
    return ExitCode::done;
  }
  Table table({"VERSION", "TYPE", "SIZE", "STATE", "CREATED", "APPLIED", "IMAGES"});
  for (const Artifact& one : artifacts) {
    table.add({one.version, one.chart_type, base::human_size(one.size_bytes), standing(one), one.created_at,
               one.applied_at.value_or("-"), described(usages[one.id])});
  }
  std::cout << table.text();
  return ExitCode::done;
}

ExitCode run_show(const PickOptions& options, Env& env) {
  SignalPulse pulse(env.signals);
  db::raw::Connection db(agent_database(env, "release show"));
  const Artifact one = artifact::find(db, options.version, options.type, pulse);
  const images::Usage usage = usages_of(env, "release show")[one.id];
  if (env.output == Output::json) {
    print_json(to_json(one, usage));
    return ExitCode::done;
  }
  const std::pair<const char*, std::string> lines[] = {
      {"version:  ", one.version},
      {"type:     ", one.chart_type},
      {"id:       ", one.id},
      {"size:     ", base::human_size(one.size_bytes) + " (" + std::to_string(one.size_bytes) + " bytes)"},
      {"sha256:   ", one.sha256},
      {"images:   ", described(usage)},
      {"state:    ", standing(one)},
      {"created:  ", one.created_at},
      {"applied:  ", one.applied_at.value_or("-")},
      {"env:      ", one.has_env ? "stored, not shown" : "-"},
      {"values:   ", one.has_values ? "stored, not shown" : "-"},
      {"settings: ", one.has_server_env ? "stored, added to server_env when it is deployed" : "-"},
      {"schema:   ", one.requires_schema.empty() ? "any" : one.requires_schema}};
  for (const auto& [head, value] : lines) std::cout << head << base::one_line(value) << '\n';
  std::cout << "manifest:" << (one.manifest.empty() ? " -\n" : "\n");
  for (const auto& line : base::split(manifest_text(one), '\n'))
    if (!line.empty()) std::cout << "    " << base::one_line(line) << '\n';
  return ExitCode::done;
}

/// The images of a release, into a file of their own; how many.
std::size_t export_images(const Artifact& one, const std::string& path, Env& env, base::Pulse& pulse) {
  db::Session db(agent_database(env, "release export"));
  const auto found = images::images_of(db, one.id);
  if (found.empty()) throw base::Error(base::Kind::failed, "release " + named(one) + " carries no images");
  db::raw::Connection raw(agent_database(env, "release export"));
  Progress progress("exporting the images of " + named(one),
                    static_cast<std::uint64_t>(images::usage(db)[one.id].size));
  images::export_to(raw, found, images::blobs_of(db, one.id), path, pulse,
                    [&](std::int64_t done) { progress.at(static_cast<std::uint64_t>(done)); });
  return found.size();
}

/// A manifest that came beside the archive goes beside it again. Whether it was written.
bool write_manifest_beside(const Artifact& one, const std::string& destination, const std::string& beside,
                           const Env& env, base::Pulse& pulse) {
  if (holds_its_manifest(one, destination, env, pulse)) return false;
  base::write_file(beside, manifest_text(one), 0644);
  return true;
}

ExitCode run_export(const ExportOptions& options, Env& env) {
  const std::string& destination = options.destination;
  const std::string beside = destination + ".wrktalk.toml";
  for (const auto& path : {destination, beside, options.images.value_or("")}) {
    if (base::exists(path) && !confirm(env, "replace " + path + "?")) return ExitCode::failed;
  }
  SignalPulse pulse(env.signals);
  db::raw::Connection db(agent_database(env, "release export"));
  const Artifact one = artifact::find(db, options.pick.version, options.pick.type, pulse);
  Progress progress((options.unpack ? "unpacking " : "exporting ") + named(one), one.size_bytes);
  const auto at = [&](std::uint64_t done_bytes) { progress.at(done_bytes); };
  if (options.unpack) {
    artifact::fetch(db, one, destination, env.settings.agent.limits, pulse, at);
  } else {
    artifact::export_to(db, one, destination, pulse, at);
  }
  const bool has_beside = write_manifest_beside(one, destination, beside, env, pulse);
  const std::size_t images = options.images ? export_images(one, *options.images, env, pulse) : 0;
  if (env.output == Output::json) {
    auto document = to_json(one);
    document["path"] = destination;
    if (has_beside) document["manifest_path"] = beside;
    if (options.images) document["images_path"] = *options.images;
    print_json(document);
  } else {
    std::cout << "wrote release " << named(one) << " to " << base::one_line(destination) << ", digest verified\n";
    if (has_beside) std::cout << "wrote its manifest, which is not in it, to " << base::one_line(beside) << '\n';
    if (options.images) {
      std::cout << "wrote " << images << " images to " << base::one_line(*options.images) << ", digests verified\n";
    }
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

/// Reads each blob; what is wrong with those that are not as they were stored.
std::vector<std::string> damaged_blobs(db::raw::Connection& db, const std::vector<images::Blob>& blobs,
                                       const std::string& what, base::Pulse& pulse) {
  std::int64_t total = 0;
  for (const auto& blob : blobs) total += blob.size;
  Progress progress(what, static_cast<std::uint64_t>(total));
  std::vector<std::string> damaged;
  std::uint64_t done = 0;
  for (const auto& blob : blobs) {
    try {
      images::read_blob(
          db, blob, [&](std::string_view piece) { progress.at(done += piece.size()); }, pulse);
    } catch (const base::Error& error) {
      if (error.kind() != base::Kind::artifact) throw;
      damaged.emplace_back(error.what());
    }
  }
  return damaged;
}

ExitCode run_verify(const VerifyOptions& options, Env& env) {
  if (options.all != options.versions.empty()) {
    throw base::Error(base::Kind::usage, "name the releases to verify, or say --all");
  }
  SignalPulse pulse(env.signals);
  db::raw::Connection db(agent_database(env, "release verify"));
  db::Session session(agent_database(env, "release verify"));
  ordered_json document = ordered_json::array();
  ExitCode code = ExitCode::done;
  for (const Artifact& one : picked(db, options, pulse)) {
    Progress progress("verifying " + named(one), one.size_bytes);
    auto verdict = artifact::verify(db, one, env.settings.agent.limits, pulse,
                                    [&](std::uint64_t done_bytes) { progress.at(done_bytes); });
    const auto blobs = images::has_tables(session) ? images::blobs_of(session, one.id) : std::vector<images::Blob>{};
    const auto damaged = damaged_blobs(db, blobs, "verifying the images of " + named(one), pulse);
    if (verdict.good() && !damaged.empty()) verdict.problem = base::join(damaged, "; ");
    if (!verdict.good()) code = ExitCode::artifact;
    if (env.output == Output::json) {
      auto line = to_json(one);
      line["good"] = verdict.good();
      line["problem"] = verdict.problem;
      line["entries"] = verdict.entries;
      line["unpacked_bytes"] = verdict.unpacked_bytes;
      line["image_blobs"] = blobs.size();
      document.push_back(std::move(line));
    } else if (verdict.good()) {
      std::cout << "good     " << named(one) << ": " << verdict.entries << " entries, "
                << base::human_size(verdict.unpacked_bytes) << " unpacked"
                << (blobs.empty() ? std::string() : ", " + std::to_string(blobs.size()) + " image blobs") << std::endl;
    } else {
      std::cout << "REFUSED  " << named(one) << ": " << base::one_line(verdict.problem) << std::endl;
    }
  }
  if (env.output == Output::json) print_json(document);
  return code;
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
  sub->add_option("--images", options->images, "Write the release's images, too: an OCI layout in this tar archive");
  sub->footer(footer(
      {"wrktalk release export 1.4.2 shop-1.4.2.tgz", "wrktalk release export 1.4.2 shop.tgz --images shop-images.tar",
       "wrktalk release export 1.4.2 look/ --unpack"},
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

void add_type(CLI::App& sub, std::optional<std::string>& type, const char* help) {
  std::vector<std::string> types;
  for (const auto& kind : base::kTargetKinds) types.emplace_back(kind.chart_type);
  sub.add_option("--type", type, help)->check(CLI::IsMember(types));
}

void add_pick(CLI::App& sub, PickOptions& pick) {
  sub.add_option("VERSION", pick.version, "A release's version, or its id")->required();
  add_type(sub, pick.type, "Which of several releases with this version");
}

std::string named(const Artifact& artifact) { return artifact.version + " (" + artifact.chart_type + ")"; }

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
                      {"requires_schema", nullptr},
                      {"manifest", nullptr}};
  if (!artifact.manifest.empty()) out["manifest"] = ordered_json::parse(artifact.manifest, nullptr, false);
  if (!artifact.requires_schema.empty()) out["requires_schema"] = artifact.requires_schema;
  if (artifact.applied_at) out["applied_at"] = *artifact.applied_at;
  return out;
}

ordered_json to_json(const Artifact& artifact, const images::Usage& usage) {
  auto out = to_json(artifact);
  out["images"] = usage.images;
  out["image_bytes"] = usage.size;
  out["image_bytes_shared"] = usage.shared;
  return out;
}

void add_release(CLI::App& app, Selected& chosen) {
  auto* release =
      app.add_subcommand("release",
                         "Releases in the database: init, lint, add, list, show, images, export, verify, prune")
          ->group("Releases");
  release->require_subcommand(1);
  add_release_init(*release, chosen);
  add_release_lint(*release, chosen);
  add_release_add(*release, chosen);
  add_list(*release, chosen);
  add_show(*release, chosen);
  add_release_images(*release, chosen);
  add_export(*release, chosen);
  add_verify_releases(*release, chosen);
  add_release_prune(*release, chosen);
}

}  // namespace wrktalk::cmd
