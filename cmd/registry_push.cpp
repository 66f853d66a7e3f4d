// SPDX-License-Identifier: Apache-2.0
#include "cmd/registry.hpp"
#include "cmd/release.hpp"
#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/images/manifest.hpp"
#include "core/images/store.hpp"
#include "core/log/log.hpp"
#include "core/registry/local_server.hpp"
#include "core/transfer/push.hpp"

#include <CLI/CLI.hpp>

#include <iostream>
#include <set>

namespace wrktalk::cmd {
namespace {

using base::ExitCode;
using nlohmann::ordered_json;
using transfer::State;

struct PushOptions {
  std::string destination;
  std::vector<std::string> versions;
  std::optional<std::string> type;
  bool verifies_tls = true;
  bool dry_run = false;
};

std::string text_of(db::raw::Connection& db, const std::string& digest, const std::vector<images::Blob>& stored,
                    base::Pulse& pulse) {
  std::string text;
  for (const auto& blob : stored) {
    if (blob.digest != digest) continue;
    images::read_blob(
        db, blob, [&](std::string_view piece) { text += piece; }, pulse);
  }
  return text;
}

/// The images of the releases, each once.
std::vector<transfer::Outgoing> images_to_push(const PushOptions& options, const Env& env, base::Pulse& pulse) {
  db::raw::Connection raw(agent_database(env, "registry push"));
  db::Session db(agent_database(env, "registry push"));
  std::vector<transfer::Outgoing> out;
  std::set<std::pair<std::string, std::string>> seen;
  for (const auto& version : options.versions) {
    const auto one = artifact::find(raw, version, options.type, pulse);
    const auto found = images::has_tables(db) ? images::images_of(db, one.id) : std::vector<images::Image>{};
    if (found.empty()) throw base::Error(base::Kind::failed, "release " + named(one) + " carries no images");
    const auto stored = images::blobs_of(db, one.id);
    for (const auto& image : found) {
      if (!seen.emplace(image.reference, image.digest).second) continue;
      const bool is_index = images::is_index_type(image.media_type);
      out.push_back(transfer::outgoing(image, is_index ? text_of(raw, image.digest, stored, pulse) : "", stored));
    }
  }
  return out;
}

const char* word(State state) {
  switch (state) {
    case State::there: return "there already";
    case State::copied: return "copied";
    case State::platform: return "one platform";
    case State::missing: break;
  }
  return "would be copied";
}

void warn_of_platform(const transfer::Outgoing& image) {
  log::warn("registry.one_platform", "the registry takes no index of which platforms are missing: the tag of " +
                                         base::one_line(image.image.reference) + " means the manifest " +
                                         image.manifests.front() + ", of " + base::join(image.image.platforms, ", "));
}

ExitCode run_push(const PushOptions& options, Env& env) {
  SignalPulse pulse(env.signals);
  auto destination = transfer::parse_destination(options.destination);
  destination.verifies_tls = options.verifies_tls;
  const auto all = images_to_push(options, env, pulse);
  transfer::need_names(all, destination);
  const transfer::Tools tools(pulse);
  tools.need_skopeo();
  std::vector<State> states;
  for (const auto& image : all) states.push_back(look(tools, image, destination));
  std::uint64_t sent = 0;
  if (!options.dry_run) {
    const registry::LocalServer server(registry_login(env, "registry push"));
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (states[i] != State::missing) continue;
      const std::uint64_t before = server.sent();
      Progress progress("copying " + all[i].image.reference + " to " + destination.place,
                        static_cast<std::uint64_t>(all[i].image.size));
      try {
        states[i] = push(tools, all[i], server.address(), destination, [&] {
          progress.at(server.sent() - before);
          return static_cast<std::int64_t>(server.sent());
        });
      } catch (const base::Error& error) {
        if (error.kind() != base::Kind::child || server.damage().empty()) throw;
        throw base::Error(base::Kind::artifact, server.damage(),
                          "add the release again, or restore the database from a backup");
      }
      if (states[i] == State::platform) warn_of_platform(all[i]);
    }
    sent = server.sent();
  }
  if (env.output == Output::json) {
    ordered_json document = {{"images", ordered_json::array()}, {"bytes_sent", sent}};
    for (std::size_t i = 0; i < all.size(); ++i) {
      document["images"].push_back(
          {{"reference", all[i].image.reference},
           {"destination", target_of(all[i].image, destination).text()},
           {"digest", states[i] == State::platform ? all[i].manifests.front() : all[i].image.digest},
           {"state", word(states[i])}});
    }
    print_json(document);
    return ExitCode::done;
  }
  Table table({"REFERENCE", "DESTINATION", "STATE"});
  for (std::size_t i = 0; i < all.size(); ++i) {
    table.add({base::one_line(all[i].image.reference), base::one_line(target_of(all[i].image, destination).text()),
               word(states[i])});
  }
  std::cout << table.text() << all.size() << " images, "
            << (options.dry_run ? "nothing was changed" : base::human_size(sent) + " sent") << '\n';
  return ExitCode::done;
}

}  // namespace

void add_registry_push(CLI::App& registry, Selected& chosen) {
  auto options = std::make_shared<PushOptions>();
  auto* sub = registry.add_subcommand("push", "Copy the images of stored releases into another registry, by skopeo");
  sub->add_option("DEST", options->destination,
                  "The registry, and what repositories there begin with: HOST[:PORT][/PATH]")
      ->required();
  sub->add_option("VERSION", options->versions, "Releases' versions, or their ids")->required();
  add_type(*sub, options->type, "Which of several releases with a version");
  sub->add_option("--tls-verify", options->verifies_tls,
                  "false: take any certificate, and plain HTTP; a registry on this machine needs it not said")
      ->type_name("BOOL")
      ->capture_default_str();
  sub->add_flag("--dry-run", options->dry_run, "Say what is missing there, copy nothing");
  sub->footer(footer({"wrktalk registry push registry.site.example/shop 1.4.2",
                      "wrktalk registry push 10.0.0.5:5000 1.4.2 1.4.3 --tls-verify=false",
                      "wrktalk registry push registry.site.example 1.4.2 --dry-run -o json"},
                     {ExitCode::done, ExitCode::failed, ExitCode::usage, ExitCode::configuration, ExitCode::database,
                      ExitCode::artifact, ExitCode::child}));
  sub->callback([options, &chosen] {
    chosen = {"registry push", [options](Env& env) { return run_push(*options, env); }};
  });
}

}  // namespace wrktalk::cmd
