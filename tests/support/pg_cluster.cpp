// SPDX-License-Identifier: Apache-2.0
#include "tests/support/pg_cluster.hpp"

#include "core/base/deadline.hpp"
#include "core/base/files.hpp"
#include "core/base/pulse.hpp"
#include "core/base/text.hpp"
#include "core/db/raw.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdexcept>
#include <sys/wait.h>
#include <unistd.h>

namespace wrktalk::test {
namespace {

constexpr auto kStartTime = std::chrono::seconds(30);

/// initdb and postgres refuse root; in a user namespace of its own the server sees none, and the files stay ours.
std::string as_server_user() {
  return ::geteuid() == 0 ? "exec unshare --user --map-user=1000 --map-group=1000 " : "exec ";
}

std::string newest_bin() {
  glob_t found{};
  std::string bin;
  if (::glob("/usr/lib/postgresql/*/bin/initdb", 0, nullptr, &found) == 0) {
    bin = found.gl_pathv[found.gl_pathc - 1];
    bin.erase(bin.rfind('/'));
  }
  ::globfree(&found);
  return bin;
}

pid_t start(const std::string& command, const std::string& log) {
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  const int in = ::open("/dev/null", O_RDONLY);
  ::dup2(in, 0);
  ::dup2(out, 1);
  ::dup2(out, 2);
  ::setsid();
  ::execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
  ::_exit(127);
}

db::ConnectionSettings to_settings(const std::string& conninfo, const std::string& database) {
  db::ConnectionSettings settings;
  for (const auto& part : base::split(conninfo, ' ')) {
    const auto sign = part.find('=');
    if (sign != std::string::npos) settings.parameters.emplace_back(part.substr(0, sign), part.substr(sign + 1));
  }
  settings.parameters.emplace_back("dbname", database);
  return db::with_defaults(settings, "wrktalk/test");
}

std::string part_of(const std::string& conninfo, const std::string& key) {
  for (const auto& part : base::split(conninfo, ' ')) {
    if (base::starts_with(part, key + "=")) return part.substr(key.size() + 1);
  }
  return {};
}

void admin(const std::string& sql) {
  base::NoPulse pulse;
  db::raw::Connection(to_settings(PgCluster::instance().conninfo(), "postgres"))
      .script(sql, pulse, base::Deadline::in(std::chrono::seconds(60)));
}

}  // namespace

PgCluster& PgCluster::instance() {
  static PgCluster cluster;
  return cluster;
}

PgCluster::PgCluster() {
  if (const char* given = std::getenv("WRKTALK_TEST_PG")) {
    conninfo_ = given;
    return;
  }
  const std::string bin = newest_bin();
  if (bin.empty()) throw std::runtime_error("no PostgreSQL server in /usr/lib/postgresql");
  directory_ = base::TempDir("/tmp", "wt-pg-").keep();
  const std::string log = directory_ + "/log";
  const pid_t init = start(as_server_user() + bin + "/initdb -D " + directory_ +
                               "/data -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync --no-instructions",
                           log);
  int status = 0;
  ::waitpid(init, &status, 0);
  if (status != 0) throw std::runtime_error("initdb failed:\n" + base::read_file(log, 1 << 20));
  // The server ends when this program does, however that ends.
  pid_ = start(as_server_user() + "setpriv --pdeathsig INT " + bin + "/postgres -D " + directory_ + "/data -k " +
                   directory_ + " -p 5432 -c listen_addresses= -c fsync=off -c max_connections=200",
               log);
  conninfo_ = "host=" + directory_ + " port=5432 user=postgres";
  const auto deadline = base::Deadline::in(kStartTime);
  for (;;) {
    try {
      db::raw::Connection(to_settings(conninfo_, "postgres"));
      return;
    } catch (const base::Error&) {
      if (deadline.passed()) throw;
      ::usleep(20'000);
    }
  }
}

PgCluster::~PgCluster() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGINT);
  ::waitpid(pid_, nullptr, 0);
  base::remove_tree(directory_);
}

std::string PgCluster::host() const { return part_of(conninfo_, "host"); }
std::string PgCluster::port() const { return part_of(conninfo_, "port"); }
std::string PgCluster::user() const { return part_of(conninfo_, "user"); }

TestDatabase::TestDatabase(std::initializer_list<const char*> sql_files) {
  static std::atomic<int> count{0};
  name_ = "wt_" + std::to_string(::getpid()) + "_" + std::to_string(++count);
  admin("CREATE DATABASE " + name_);
  base::NoPulse pulse;
  for (const char* file : sql_files) {
    db::raw::Connection(settings())
        .script(base::read_file(source_dir() + "/" + file, 1 << 20), pulse,
                base::Deadline::in(std::chrono::seconds(60)));
  }
}

TestDatabase::~TestDatabase() {
  try {
    admin("DROP DATABASE IF EXISTS " + name_ + " WITH (FORCE)");
  } catch (const std::exception& e) {
    MESSAGE("could not drop ", name_, ": ", e.what());
  }
}

db::ConnectionSettings TestDatabase::settings() const { return to_settings(PgCluster::instance().conninfo(), name_); }

bool have_postgres() {
  try {
    PgCluster::instance();
    return true;
  } catch (const std::exception& e) {
    return have("postgres", false, e.what());
  }
}

std::string source_dir() { return WRKTALK_SOURCE_DIR; }

}  // namespace wrktalk::test
