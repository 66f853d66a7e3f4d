// SPDX-License-Identifier: Apache-2.0
#include "core/backup/private_server.hpp"

#include "core/base/error.hpp"

#include <cstdlib>
#include <unistd.h>

namespace wrktalk::backup {
namespace {

using base::BootClock;
using base::Deadline;
using base::Error;
using base::Kind;

constexpr std::chrono::seconds kLease{60};
constexpr std::chrono::seconds kRenewEvery{10};
constexpr std::chrono::seconds kStartTakes{60};

std::string temporary_folder() {
  const char* named = std::getenv("TMPDIR");
  return named != nullptr && named[0] != '\0' ? named : "/tmp";
}

}  // namespace

PrivateServer::PrivateServer(const Tools& tools, base::Pulse& outer)
    : outer_(outer), folder_(temporary_folder(), "wrktalk-verify-") {
  if (::geteuid() == 0) {
    throw Error(Kind::configuration,
                "the role may not create a database, and a private PostgreSQL server does not run as root",
                "grant it CREATEDB, or run this as an ordinary user");
  }
  const std::string data = folder_.path() + "/data";
  exec::Spec make = tools.local("initdb", {"--pgdata=" + data, "--username=postgres", "--auth=trust", "--encoding=UTF8",
                                           "--locale=C", "--no-sync"});
  const auto made = exec::run(make, outer_);
  if (made.end == exec::Outcome::End::not_started) {
    throw Error(Kind::configuration,
                "the role may not create a database, and " + make.argv.front() + " " + made.describe(),
                "grant it CREATEDB, or name the folder of a PostgreSQL server's programs with --programs");
  }
  need_good(made, make);
  exec::Spec serve =
      tools.local("postgres", {"-D", data, "-k", folder_.path(), "-c", "listen_addresses=", "-c", "fsync=off", "-c",
                               "full_page_writes=off", "-c", "max_wal_size=4GB", "-c", "logging_collector=on"});
  serve.fence = &fence_;
  fence_.renew(BootClock::now(), kLease);
  renew_at_ = Deadline::in(kRenewEvery);
  server_ = std::make_unique<exec::Background>(serve);
  settings_ = db::with_defaults(
      {{{"host", folder_.path()}, {"port", "5432"}, {"user", "postgres"}, {"dbname", "postgres"}}}, "wrktalk/backup");
  await_start();
}

void PrivateServer::await_start() {
  for (const Deadline end = Deadline::in(kStartTakes);;) {
    try {
      const db::raw::Connection ready(settings_);
      return;
    } catch (const Error& error) {
      if (end.passed()) throw error.with("the private server did not start");
      base::pause(*this, Deadline::in(std::chrono::milliseconds(50)));
    }
  }
}

Deadline PrivateServer::watch(std::vector<pollfd>& fds) { return base::sooner(renew_at_, outer_.watch(fds)); }

void PrivateServer::tick() {
  outer_.tick();
  if (!renew_at_.passed()) return;
  fence_.renew(BootClock::now(), kLease);
  renew_at_ = Deadline::in(kRenewEvery);
}

}  // namespace wrktalk::backup
