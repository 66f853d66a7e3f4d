// SPDX-License-Identifier: Apache-2.0
#include "cmd/registry.hpp"

#include "core/base/error.hpp"
#include "core/base/files.hpp"
#include "core/base/loopback.hpp"
#include "core/base/trust.hpp"
#include "core/log/log.hpp"
#include "core/registry/server.hpp"

#include <CLI/CLI.hpp>

namespace wrktalk::cmd {
namespace {

using base::Error;
using base::ExitCode;
using base::Kind;

constexpr std::size_t kMaxPem = 1 << 20;

struct RegistryOptions {
  std::string listen = "127.0.0.1:5000";
  std::string certificate;
  std::string key;
};

registry::Tls read_tls(const RegistryOptions& options) {
  if (options.certificate.empty()) return {};
  if (base::is_read_by_others(options.key)) {
    throw Error(Kind::configuration, "the key " + options.key + " can be read by other users",
                "run chmod 0600 " + options.key);
  }
  return {base::read_file(options.certificate, kMaxPem), base::read_file(options.key, kMaxPem)};
}

ExitCode run_registry(const RegistryOptions& options, Env& env) {
  registry::Settings settings;
  settings.address = observe::parse_address(options.listen);
  settings.tls = read_tls(options);
  settings.database = registry_login(env, "registry");
  if (!base::is_loopback(settings.address.host)) {
    log::warn("registry.open", "whoever reaches " + to_text(settings.address) +
                                   " can read the images of every stored release: there is no password");
  }
  registry::serve(settings, env.signals);
  return ExitCode::done;
}

}  // namespace

registry::Database::Login registry_login(const Env& env, const std::string& command) {
  registry::Database::Login login{agent_database(env, command), {}, {}};
  if (env.credentials == nullptr) return login;
  login.fresh = [credentials = env.credentials] { return credentials->fresh(); };
  login.keep = [credentials = env.credentials] {
    if (credentials->due().passed()) credentials->keep();
  };
  return login;
}

void add_registry(CLI::App& app, Selected& chosen) {
  auto options = std::make_shared<RegistryOptions>();
  auto* sub =
      app.add_subcommand("registry", "Serve the images of stored releases to containerd, Docker and skopeo, read-only")
          ->group("Releases");
  sub->add_option("--listen", options->listen,
                  "Where: an address of this machine, or :5000 for every one. There is no password")
      ->type_name("ADDRESS:PORT")
      ->capture_default_str();
  auto* certificate =
      sub->add_option("--tls-cert", options->certificate, "Serve HTTPS with this certificate chain (PEM)")
          ->type_name("FILE");
  auto* key =
      sub->add_option("--tls-key", options->key, "Its key (PEM), which no other user may read")->type_name("FILE");
  certificate->needs(key);
  key->needs(certificate);
  sub->footer(footer({"wrktalk registry", "wrktalk registry --listen :5000 --tls-cert tls.crt --tls-key tls.key",
                      "docker pull 127.0.0.1:5000/shop/api:1.4.2", "curl -s 127.0.0.1:5000/readyz"},
                     {ExitCode::done, ExitCode::failed, ExitCode::usage, ExitCode::configuration}));
  add_registry_push(*sub, chosen);
  sub->callback([options, sub, &chosen] {
    if (!sub->get_subcommands().empty()) return;
    chosen = {"registry", [options](Env& env) { return run_registry(*options, env); }};
    chosen.daemon = true;
  });
}

}  // namespace wrktalk::cmd
