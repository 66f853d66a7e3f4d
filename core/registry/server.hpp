// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/exec/signals.hpp"
#include "core/observe/address.hpp"
#include "core/registry/connections.hpp"
#include "core/registry/database.hpp"

#include <chrono>

namespace wrktalk::registry {

struct Settings {
  observe::Address address;
  Tls tls;
  Database::Login database;
  bool is_local = false;                    ///< a part of another command: requests are logged as debug
  std::chrono::milliseconds grace{10'000};  ///< for answers under way when a signal asks the process to end
};

/// Answers GET and HEAD of the OCI distribution API out of the database, and /livez, /readyz and /metrics, until SIGTERM or SIGINT; a second
/// one ends answers under way at once. One thread serves every connection and never waits for the database; `Database`'s threads do.
/// Memory: for each answer under way the slice of a blob that is sent and the next one, smaller ones when there are many. Throws Error(configuration) when it cannot listen.
void serve(const Settings& settings, exec::Signals& signals);

}  // namespace wrktalk::registry
