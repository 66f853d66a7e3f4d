// SPDX-License-Identifier: Apache-2.0
#include "core/backup/private_server.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/log/log.hpp"

#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace wrktalk::backup {
namespace {

using base::BootClock;
using base::Deadline;
using base::Error;
using base::Kind;

constexpr std::chrono::seconds kLease{60};
constexpr std::chrono::seconds kRenewEvery{10};
constexpr std::chrono::seconds kStartTakes{60};

constexpr std::chrono::seconds kEndTakes{5};
constexpr std::size_t kFewBytes = 64 * 1024;
constexpr const char* kPrefix = "wrktalk-verify-";

/// The folder when it is ours and nobody uses it, held from now on.
base::Fd lock_folder(const std::string& path) {
  base::Fd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat info {};
  if (!folder || ::fstat(folder.get(), &info) != 0 || info.st_uid != ::geteuid()) return {};
  return ::flock(folder.get(), LOCK_EX | LOCK_NB) == 0 ? std::move(folder) : base::Fd();
}

/// The folder among its arguments tells the server from a later process with the same pid.
void end_server(const std::string& data, base::Pulse& pulse) {
  const pid_t pid = std::atoi(base::read_file_if_exists(data + "/postmaster.pid", kFewBytes).value_or("").c_str());
  const std::string arguments = "/proc/" + std::to_string(pid) + "/cmdline";
  const auto runs = [&] {
    try {
      return pid > 0 && base::read_file_if_exists(arguments, kFewBytes).value_or("").find(data) != std::string::npos;
    } catch (const Error&) {
      return false;  // it ended while it was read
    }
  };
  if (!runs()) return;
  ::kill(pid, SIGQUIT);
  for (const Deadline end = Deadline::in(kEndTakes); runs() && !end.passed();) {
    base::pause(pulse, Deadline::in(std::chrono::milliseconds(20)));
  }
}

}  // namespace

void sweep_private_servers(base::Pulse& pulse) {
  std::error_code error;
  for (std::filesystem::directory_iterator it(base::temporary_parent(), error), end; !error && it != end;
       it.increment(error)) {
    const std::string path = it->path().string();
    const std::string data = path + "/data";
    // Without data it may be one that is just being made.
    if (!base::starts_with(it->path().filename().string(), kPrefix) || !base::exists(data)) continue;
    const base::Fd held = lock_folder(path);
    if (!held) continue;
    log::warn("backup.swept", "removing the private server that an interrupted verification left", {{"folder", path}});
    end_server(data, pulse);
    base::remove_tree(path);
  }
}

PrivateServer::PrivateServer(const Tools& tools, base::Pulse& outer)
    : outer_(outer),
      folder_(base::temporary_parent(), kPrefix, base::TempDir::Holds::no_secrets),
      lock_(lock_folder(folder_.path())) {
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
    } catch (Error& error) {
      if (end.passed()) {
        error.add_context("the private server did not start");
        throw;
      }
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
