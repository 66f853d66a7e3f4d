// SPDX-License-Identifier: Apache-2.0
#include "cmd/release.hpp"
#include "cmd/release_chart.hpp"
#include "core/agent/settings.hpp"
#include "core/artifact/requirement.hpp"
#include "core/artifact/server_env.hpp"
#include "core/base/error.hpp"
#include "core/base/files.hpp"
#include "core/base/text.hpp"
#include "core/deploy/env_file.hpp"
#include "core/deploy/helm_trial.hpp"
#include "core/images/add.hpp"
#include "core/log/log.hpp"
#include "core/transfer/gather.hpp"
#include "core/yaml/document.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <iostream>
#include <optional>
#include <set>

namespace wrktalk::cmd {
namespace {

using base::ExitCode;

/// Among paths: what the release names is copied from the engine and from registries.
constexpr const char* kAuto = "auto";

struct AddOptions {
  std::string file;
  std::string version;
  std::optional<std::string> type;
  std::optional<std::string> env_file;
  std::optional<std::string> values_file;
  std::optional<std::string> requires_schema;
  std::optional<std::string> server_env_file;
  std::optional<std::string> manifest_file;
  std::vector<std::string> images;  ///< paths, or kAuto
  std::vector<std::string> more_images;
  std::vector<std::string> platforms;
  bool all_images = false;

  bool gathers() const { return std::find(images.begin(), images.end(), kAuto) != images.end(); }
};

/// The images that an archive names, as far as that can be told.
struct Named {
  std::vector<std::string> references;
  bool is_known = false;
  std::string why_not{};  ///< when it cannot
};

std::optional<std::string> text_of(const std::optional<std::string>& path) {
  if (!path) return std::nullopt;
  return base::read_file(*path, artifact::kLargestText);
}

Images wanted(const AddOptions& options) {
  const bool has_images = !options.images.empty() || !options.more_images.empty() || options.all_images;
  return has_images ? Images::listed : Images::ignored;
}

/// Everything that a deployment would refuse, as far as it can be told here.
Named judge_compose(const artifact::CheckedFile& file, const AddOptions& options, const artifact::NewRelease& release,
                    const Env& env, base::Pulse& pulse) {
  auto bundle = judge_bundle(file, release.env_data, options.env_file, wanted(options), env, pulse);
  const auto policy = env.settings.agent.deploy.policy;
  for (const auto& warning : deploy::policy::enforce(policy, bundle.judged.findings))
    log::warn("release.policy", warning);
  for (const auto& note : bundle.judged.notes) log::warn("release.note", note);
  if (!bundle.was_tried)
    log::warn("release.not_tried", "compose is not on this machine: the release was judged by its files alone");
  return {std::move(bundle.images), bundle.was_tried, "compose is not on this machine"};
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

Named judge_helm(const AddOptions& options, const artifact::NewRelease& release, const Env& env, base::Pulse& pulse) {
  judge_values(options, release);
  auto chart = judge_chart(options.file, release.values_data, wanted(options), env, pulse);
  for (const auto& warning : chart.trial.warnings) log::warn("release.policy", warning);
  if (!chart.trial.is_rendered) {
    log::warn("release.not_tried",
              "the chart was not rendered, and is judged when it is deployed: " + chart.trial.why_not);
  }
  return {std::move(chart.images), chart.trial.is_rendered, chart.trial.why_not};
}

Named judge(const artifact::CheckedFile& file, const AddOptions& options, const artifact::NewRelease& release,
            const Env& env, base::Pulse& pulse) {
  if (file.chart_type() == "compose") return judge_compose(file, options, release, env, pulse);
  if (file.chart_type() == "helm") return judge_helm(options, release, env, pulse);
  // Programs of a host target get it in their environment.
  if (release.env_data) deploy::env::read(*release.env_data, *options.env_file);
  return {{}, false, "what a host release runs is known to nobody"};
}

std::uint64_t count(std::int64_t bytes) { return static_cast<std::uint64_t>(bytes); }

std::vector<images::Platform> platforms_of(const AddOptions& options) {
  std::vector<images::Platform> platforms;
  for (const auto& text : options.platforms) platforms.push_back(images::parse_platform(text));
  if (platforms.empty()) platforms.push_back(images::own_platform());
  return platforms;
}

/// What lies in the paths, of what the release names and of what the user named besides.
images::Plan plan_images(const AddOptions& options, const Named& named, base::Pulse& pulse) {
  if ((options.all_images || options.gathers()) && !named.is_known) {
    throw base::Error(base::Kind::configuration, "which images the release names cannot be told: " + named.why_not,
                      "install what reads it, docker compose or helm, or name each by --image");
  }
  std::vector<images::Place> places;
  for (const auto& text : options.images) {
    if (text != kAuto) places.push_back(images::parse_place(text));
  }
  auto references = named.references;
  references.insert(references.end(), options.more_images.begin(), options.more_images.end());
  return images::make_plan(places, references, platforms_of(options), pulse);
}

/// Copies what no path held, as far as the user wants it; how many bytes were stored.
std::int64_t gather_images(const AddOptions& options, images::Plan& plan, const std::set<std::string>& damaged,
                           db::raw::Connection& db, base::Pulse& pulse) {
  transfer::Wish wish{{}, platforms_of(options), damaged};
  const auto& more = options.more_images;
  for (const auto& reference : plan.not_carried) {
    if (options.gathers() || std::find(more.begin(), more.end(), reference) != more.end())
      wish.references.push_back(reference);
  }
  if (wish.references.empty()) return 0;
  std::optional<Progress> progress;
  transfer::Story story;
  story.begin = [&](const std::string& what, std::int64_t total) { progress.emplace(what, count(total)); };
  story.at = [&](std::int64_t done) { progress->at(count(done)); };
  auto gathered = transfer::gather(db, wish, pulse, story);
  plan.take(std::move(gathered.plan));
  return gathered.bytes;
}

/// Throws Error(artifact) for what is not carried and has to be.
void tell_not_carried(const AddOptions& options, const images::Plan& plan) {
  if (plan.not_carried.empty()) return;
  if (options.all_images) {
    throw base::Error(base::Kind::artifact,
                      "the release names images that it does not carry: " + base::join(plan.not_carried, ", "),
                      "name where they lie by --images, or copy them: --images auto");
  }
  for (const auto& reference : plan.not_carried) {
    log::warn("release.image_not_carried", "the release names image " + base::one_line(reference) +
                                               " and does not carry it: the target has to have it, or to pull it");
  }
}

/// Sends what the database lacks; how many bytes.
std::int64_t send_images(db::raw::Connection& db, const images::Plan& plan, const std::set<std::string>& damaged,
                         base::Pulse& pulse) {
  const auto delta = images::compare(db, plan, pulse, damaged);
  const std::string known = base::human_size(count(plan.size() - delta.bytes_to_send));
  Progress checking("checking images", count(delta.bytes_to_send));
  images::check_contents(delta, pulse, [&](std::int64_t done) { checking.at(count(done)); });
  Progress sending("storing images, " + known + " were there,", count(delta.bytes_to_send));
  images::send(db, delta, pulse, [&](std::int64_t done) { sending.at(count(done)); });
  return delta.bytes_to_send;
}

struct Added {
  artifact::Stored stored;
  std::int64_t image_bytes_sent = 0;
  std::size_t mended = 0;  ///< blobs that were stored and damaged
};

/// The blobs that are damaged of a release that is there already: none is looked at of another.
std::set<std::string> damaged_before(db::raw::Connection& raw, const std::string& version, const std::string& type,
                                     const Env& env, base::Pulse& pulse) {
  for (const auto& one : artifact::list(raw, pulse)) {
    if (one.version != version || one.chart_type != type) continue;
    db::Session db(agent_database(env, "release add"));
    if (!images::has_tables(db)) return {};
    const auto blobs = images::blobs_of(db, one.id);
    std::int64_t total = 0;
    for (const auto& blob : blobs) total += blob.size;
    Progress progress("verifying the images of " + named(one), count(total));
    return images::damaged_among(raw, blobs, pulse, [&](std::int64_t done) { progress.at(count(done)); });
  }
  return {};
}

Added store(db::raw::Connection& db, const artifact::CheckedFile& file, const artifact::NewRelease& release,
            const images::Plan& plan, const std::set<std::string>& damaged, std::int64_t sent, base::Pulse& pulse) {
  const images::ReleaseImages companion(plan);
  if (auto before = artifact::stored_before(db, file, release, pulse, &companion)) {
    if (!damaged.empty()) sent += send_images(db, plan, damaged, pulse);
    return {{*std::move(before), true}, sent};
  }
  Progress storing("storing " + file.path(), file.size_bytes());
  // Somebody may remove a blob that was seen here, until the release says that it needs it.
  constexpr int kTries = 5;
  for (int tries = 1;; ++tries) {
    if (!plan.images.empty()) sent += send_images(db, plan, damaged, pulse);
    try {
      return {artifact::store(
                  db, file, release, pulse, [&](std::uint64_t done_bytes) { storing.at(done_bytes); }, &companion),
              sent};
    } catch (const base::Error& error) {
      if (error.kind() != base::Kind::busy || tries == kTries) throw;
    }
  }
}

void print(const Added& added, const images::Plan& plan, const Env& env) {
  const auto& one = added.stored.artifact;
  if (env.output == Output::json) {
    auto document = to_json(one);
    document["was_there"] = added.stored.was_there;
    document["images"] = plan.images.size();
    document["image_bytes"] = plan.size();
    document["image_bytes_sent"] = added.image_bytes_sent;
    document["image_blobs_mended"] = added.mended;
    document["images_not_carried"] = plan.not_carried;
    print_json(document);
    return;
  }
  if (added.stored.was_there) {
    std::cout << "release " << named(one) << " is there already, "
              << (added.mended == 0 ? "nothing changed" : "damaged blobs of its images were mended: ")
              << (added.mended == 0 ? "" : std::to_string(added.mended)) << '\n';
    return;
  }
  std::cout << "stored release " << named(one) << ", " << base::human_size(one.size_bytes) << ", sha256 " << one.sha256
            << '\n';
  if (plan.images.empty()) return;
  std::cout << "with " << plan.images.size() << " images, " << base::human_size(count(plan.size())) << ", of which "
            << base::human_size(count(plan.size() - added.image_bytes_sent)) << " were there\n";
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
  const auto limits = env.settings.agent.limits;
  const auto file = artifact::check_file(options.file, options.type, limits, pulse,
                                         [&](std::uint64_t done_bytes) { checking.at(done_bytes); });
  release.manifest = manifest_json(file, options.manifest_file, options.version, env, pulse);
  auto plan = plan_images(options, judge(file, options, release, env, pulse), pulse);
  if (!options.gathers()) tell_not_carried(options, plan);
  db::raw::Connection db(agent_database(env, "release add"));
  auto damaged = damaged_before(db, options.version, file.chart_type(), env, pulse);
  const std::size_t to_mend = damaged.size();
  const std::int64_t gathered = gather_images(options, plan, damaged, db, pulse);
  for (const auto& [digest, piece] : plan.pieces) {
    if (piece.content == nullptr) damaged.erase(digest);  // what was gathered is stored anew
  }
  auto added = store(db, file, release, plan, damaged, gathered, pulse);
  added.mended = to_mend;
  print(added, plan, env);
  return ExitCode::done;
}

}  // namespace

void add_release_add(CLI::App& release, Selected& chosen) {
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
  sub->add_option("--manifest", options->manifest_file,
                  "A wrktalk.toml that says what the release needs; counts instead of the one in the archive");
  sub->add_option(
         "--images", options->images,
         "Images that go with it, as [REFERENCE=]PATH: an OCI layout (folder or tar), skopeo's dir:, or what docker "
         "save wrote; auto: copy by skopeo what it names")
      ->type_name("[REFERENCE=]PATH|auto")
      ->allow_extra_args(false);
  sub->add_option("--image", options->more_images,
                  "An image that goes with it beside what it names, copied by skopeo where no --images holds it")
      ->type_name("REFERENCE")
      ->allow_extra_args(false);
  sub->add_option("--platform", options->platforms, "Of images for several platforms, take this one: linux/arm64")
      ->allow_extra_args(false)
      ->default_str(images::own_platform().text());
  sub->add_flag("--all-images", options->all_images,
                "Refuse a chart or compose bundle that names an image it does not carry");
  sub->footer(footer({"wrktalk release add shop-1.4.2.tgz --version 1.4.2 --values prod.yaml",
                      "wrktalk release add bundle.tar.gz --version 2026-01-31 --env-file prod.env",
                      "wrktalk release add bundle.tar.gz --version 3 --images shop-images.tar --all-images",
                      "wrktalk release add shop-1.4.2.tgz --version 1.4.2 --images auto --image example.org/child:3",
                      "wrktalk release add tree.tar.zst --version 7 --type host"},
                     {ExitCode::done, ExitCode::failed, ExitCode::usage, ExitCode::configuration, ExitCode::database,
                      ExitCode::artifact, ExitCode::child}));
  sub->callback([options, &chosen] {
    chosen = {"release add", [options](Env& env) { return run_add(*options, env); }};
  });
}

}  // namespace wrktalk::cmd
