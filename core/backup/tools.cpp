// SPDX-License-Identifier: Apache-2.0
#include "core/backup/tools.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/db/session_settings.hpp"
#include "core/log/log.hpp"

#include <algorithm>
#include <cstdlib>
#include <unistd.h>

namespace wrktalk::backup {
namespace {

using base::Error;
using base::Kind;
using base::starts_with;

constexpr std::size_t kToldBytes = 2000;
constexpr std::chrono::minutes kLookTakes{1};

std::vector<std::string> environment(const std::vector<std::string>& prefixes) {
  std::vector<std::string> out;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    if (std::any_of(prefixes.begin(), prefixes.end(), [&](const auto& prefix) { return starts_with(text, prefix); })) {
      out.push_back(text);
    }
  }
  return out;
}

std::vector<std::string> common() {
  return {"PATH=", "HOME=", "USER=", "LOGNAME=", "LANG=", "LANGUAGE=", "LC_", "TZ=", "TMPDIR="};
}

db::ConnectionSettings with_options(const db::ConnectionSettings& settings, const db::raw::Connection& server) {
  if (server.pooled()) return settings;
  const char* from_environment = std::getenv("PGOPTIONS");
  std::string before = from_environment == nullptr ? "" : from_environment;
  for (const auto& [keyword, value] : settings.parameters) {
    if (keyword == "options") before = value;
  }
  return db::with_parameter(settings, "options", db::session_options(before, server.server_version()));
}

std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

/// "pg_restore exited with status 1: what it said".
std::string told(const exec::Outcome& outcome, const exec::Spec& spec) {
  const std::string said = base::trim(log::redact(base::tail(base::trim(outcome.err), kToldBytes)));
  return name_of(spec.argv.front()) + " " + outcome.describe() + (said.empty() ? "" : ": " + said);
}

int major_version(const std::string& version) { return std::atoi(version.c_str()); }

}  // namespace

std::string Tools::path(const std::string& program) const {
  return folder_.empty() ? program : folder_ + "/" + program;
}

exec::Spec Tools::local(const std::string& program, const std::vector<std::string>& arguments) const {
  exec::Spec spec;
  spec.argv = {path(program)};
  spec.argv.insert(spec.argv.end(), arguments.begin(), arguments.end());
  spec.environment = environment(common());
  return spec;
}

exec::Spec Tools::connecting(const std::string& program, const db::ConnectionSettings& settings,
                             const db::raw::Connection& server, const std::vector<std::string>& arguments) const {
  db::ConnectionSettings shown;
  std::string password;
  for (const auto& [keyword, value] : with_options(settings, server).parameters) {
    if (keyword == "sslpassword") {
      throw Error(Kind::configuration, "sslpassword cannot be given to " + program + " without showing it",
                  "use a client key without a password, or name a service in pg_service.conf that has it");
    }
    if (keyword == "password")
      password = value;
    else
      shown.parameters.emplace_back(keyword, value);
  }
  exec::Spec spec = local(program, {"--dbname=" + db::conninfo(shown), "--no-password"});
  spec.argv.insert(spec.argv.end(), arguments.begin(), arguments.end());
  auto allowed = common();
  allowed.insert(allowed.end(), {"PG", "KRB5", "SSL_CERT_"});
  spec.environment = environment(allowed);
  if (!password.empty()) {
    auto& all = spec.environment;
    all.erase(std::remove_if(all.begin(), all.end(), [](const auto& e) { return starts_with(e, "PGPASSWORD="); }),
              all.end());
    all.push_back("PGPASSWORD=" + password);
  }
  return spec;
}

std::string Tools::version(const std::string& program, base::Pulse& pulse) const {
  exec::Spec spec = local(program, {"--version"});
  spec.timeout = kLookTakes;
  const auto outcome = exec::run(spec, pulse);
  need_good(outcome, spec);
  // pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)
  const auto words = base::split(base::trim(outcome.out), ' ');
  if (words.size() < 3) throw Error(Kind::child, program + " --version does not tell a version");
  return words[2];
}

std::string server_version_text(const db::raw::Connection& server) {
  return base::split(server.parameter("server_version"), ' ').front();
}

std::string Tools::check_pg_dump(const db::raw::Connection& server, base::Pulse& pulse) const {
  std::string found = version("pg_dump", pulse);
  const int wanted = server.server_version() / 10'000;
  if (major_version(found) >= wanted) return found;
  const std::string number = std::to_string(wanted);
  throw Error(Kind::configuration,
              path("pg_dump") + " is " + found + ", the server is PostgreSQL " + server_version_text(server) +
                  ": an older pg_dump cannot read a newer server",
              "install postgresql-client-" + number + ", or name its folder with --programs");
}

exec::Spec foreign_tool(std::vector<std::string> argv) {
  exec::Spec spec;
  spec.argv = std::move(argv);
  auto allowed = common();
  allowed.insert(allowed.end(), {"GNUPGHOME=", "GPG_AGENT_INFO=", "XDG_"});
  spec.environment = environment(allowed);
  return spec;
}

void need_good(const exec::Outcome& outcome, const exec::Spec& spec) {
  if (outcome.good()) return;
  const std::string name = name_of(spec.argv.front());
  if (outcome.end == exec::Outcome::End::not_started) {
    const bool postgres = starts_with(name, "pg_");
    throw Error(Kind::configuration, spec.argv.front() + " " + outcome.describe(),
                postgres ? "install postgresql-client, or name its folder with --programs" : "install " + name);
  }
  throw Error(Kind::child, told(outcome, spec));
}

void need_read(const exec::Outcome& outcome, const exec::Spec& spec) {
  if (outcome.good() || outcome.end != exec::Outcome::End::exited) return need_good(outcome, spec);
  const std::string what = told(outcome, spec);
  const auto says = [&](const char* words) { return outcome.err.find(words) != std::string::npos; };
  if (says("unsupported version (")) {
    throw Error(Kind::configuration, spec.argv.front() + " is older than the pg_dump that made the backup: " + what,
                "install the postgresql-client of that version, or name its folder with --programs");
  }
  if (says("no identity matched") || says("No secret key") || says("--identity") || says("reading \"")) {
    throw Error(Kind::configuration, "the backup is encrypted for another key: " + what,
                "name the file with the right secret key with --age-identity, or import the key into gpg");
  }
  throw Unreadable(Kind::child, what);
}

}  // namespace wrktalk::backup
