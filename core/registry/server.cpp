// SPDX-License-Identifier: Apache-2.0
#include "core/registry/server.hpp"

#include "core/log/log.hpp"
#include "core/registry/loop.hpp"

#include <csignal>
#include <malloc.h>

namespace wrktalk::registry {

void serve(const Settings& settings, exec::Signals& signals) {
  // Many threads that take and give back memory in turn would each keep some of it.
  ::mallopt(M_ARENA_MAX, 1);
  Server server(settings);
  log::info("registry.started", "images of stored releases are served, read-only and without a password",
            {{"listen", to_text(settings.address)}, {"tls", settings.tls.certificate.empty() ? "no" : "yes"}});
  const auto ends = [&signals] {
    while (const int signal = signals.take()) {
      if (signal == SIGTERM || signal == SIGINT) return true;
    }
    return false;
  };
  server.run({signals.fd(), ends}, settings.grace);
}

}  // namespace wrktalk::registry
