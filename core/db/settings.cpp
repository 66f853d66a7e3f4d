// SPDX-License-Identifier: Apache-2.0
#include "core/db/settings.hpp"

#include "core/base/text.hpp"
#include "core/db/blocking_call.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>

namespace wrktalk::db {
namespace {

using base::Error;
using base::Kind;

std::string quoted(const std::string& value) {
  std::string out = "'";
  for (const char c : value) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

std::string find(const ConnectionSettings& settings, const std::string& keyword) {
  for (const auto& [key, value] : settings.parameters) {
    if (key == keyword) return value;
  }
  return {};
}

bool contains_any(const std::string& text, std::initializer_list<const char*> needles) {
  return std::any_of(needles.begin(), needles.end(),
                     [&](const char* needle) { return text.find(needle) != std::string::npos; });
}

bool answers(const ConnectionSettings& settings) {
  const auto answer = std::make_shared<PGPing>(PQPING_NO_RESPONSE);
  const BlockingCall call([answer, text = conninfo(settings)] { *answer = ::PQping(text.c_str()); });
  return call.wait(base::Deadline::in(connect_limit(settings)), settings.interrupt_fd) == BlockingCall::End::ended &&
         *answer == PQPING_OK;
}

/// What is named, else what the environment says.
std::string find(const ConnectionSettings& settings, const char* keyword, const char* variable) {
  std::string value = find(settings, keyword);
  const char* from_environment = std::getenv(variable);
  if (value.empty() && from_environment != nullptr) value = from_environment;
  return value;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> parse_conninfo(const std::string& text) {
  const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> options(::PQconninfoParse(text.c_str(), nullptr),
                                                                               ::PQconninfoFree);
  if (!options) {
    throw Error(Kind::configuration, "the database DSN is neither a libpq conninfo string nor a postgresql:// URI",
                "write it as \"host=... dbname=...\" or postgresql://host/database, special characters as %XX");
  }
  std::vector<std::pair<std::string, std::string>> parameters;
  for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
    if (option->val != nullptr) parameters.emplace_back(option->keyword, option->val);
  }
  return parameters;
}

ConnectionSettings with_defaults(ConnectionSettings settings, const std::string& application) {
  struct Default {
    const char* keyword;
    const char* variable;
    const char* value;
  };
  static constexpr std::array<Default, 7> kDefaults = {{
      {"connect_timeout", "PGCONNECT_TIMEOUT", "10"},
      {"keepalives_idle", "", "30"},
      {"keepalives_interval", "", "10"},
      {"keepalives_count", "", "3"},
      {"tcp_user_timeout", "", "60000"},
      {"gssencmode", "PGGSSENCMODE", "disable"},
      {"client_encoding", "PGCLIENTENCODING", "UTF8"},
  }};
  for (const auto& item : kDefaults) {
    const bool in_environment = item.variable[0] != '\0' && std::getenv(item.variable) != nullptr;
    if (find(settings, item.keyword).empty() && !in_environment) {
      settings.parameters.emplace_back(item.keyword, item.value);
    }
  }
  if (find(settings, "application_name").empty() && std::getenv("PGAPPNAME") == nullptr) {
    settings.parameters.emplace_back("application_name", application);
  }
  return settings;
}

ConnectionSettings with_parameter(ConnectionSettings settings, const std::string& keyword, const std::string& value) {
  auto& all = settings.parameters;
  all.erase(std::remove_if(all.begin(), all.end(), [&](const auto& one) { return one.first == keyword; }), all.end());
  all.emplace_back(keyword, value);
  return settings;
}

ConnectionSettings with_connect_timeout(ConnectionSettings settings, std::chrono::seconds timeout) {
  return with_parameter(std::move(settings), "connect_timeout", std::to_string(timeout.count()));
}

std::chrono::milliseconds connect_limit(const ConnectionSettings& settings) {
  constexpr std::chrono::seconds kShortest{2};
  constexpr std::chrono::seconds kDefault{10};
  // What a service names cannot be asked for.
  constexpr std::ptrdiff_t kHostsOfService = 4;
  const std::chrono::seconds named{std::atoi(find(settings, "connect_timeout", "PGCONNECT_TIMEOUT").c_str())};
  std::string hosts = find(settings, "host", "PGHOST");
  if (hosts.empty()) hosts = find(settings, "hostaddr", "PGHOSTADDR");
  const bool by_service = hosts.empty() && !find(settings, "service", "PGSERVICE").empty();
  const auto count = by_service ? kHostsOfService : std::count(hosts.begin(), hosts.end(), ',') + 1;
  const auto each = named.count() > 0 ? std::max(named, kShortest) : kDefault;
  return each * count + std::chrono::seconds(1);
}

std::string conninfo(const ConnectionSettings& settings) {
  std::string out;
  for (const auto& [key, value] : settings.parameters) {
    if (!out.empty()) out += ' ';
    out += key + "=" + quoted(value);
  }
  return out;
}

std::string describe(const ConnectionSettings& settings) {
  const auto shown = [&](const char* keyword, const char* variable, const char* fallback) {
    std::string value = find(settings, keyword, variable);
    if (value.empty()) value = fallback;
    return value.empty() ? std::string() : std::string(keyword) + "=" + value;
  };
  std::vector<std::string> parts;
  for (const auto& part : {shown("service", "PGSERVICE", ""), shown("host", "PGHOST", ""), shown("port", "PGPORT", ""),
                           shown("dbname", "PGDATABASE", ""), shown("user", "PGUSER", "")}) {
    if (!part.empty()) parts.push_back(part);
  }
  return parts.empty() ? "libpq's defaults" : base::join(parts, " ");
}

bool refuses_credentials(const std::string& message) {
  return contains_any(message,
                      {"password authentication failed", "no password supplied", "is not permitted to log in"});
}

Error connect_error(const ConnectionSettings& settings, const std::string& message) {
  const std::string reason = base::one_line(message);
  const std::string what = "cannot connect to PostgreSQL (" + describe(settings) + "): " + reason;
  if (refuses_credentials(reason)) {
    return Error(
        Kind::configuration, what,
        "check the user and the password (WRKTALK_AGENT_DB_USER, WRKTALK_AGENT_DB_PASSWORD, PGPASSFILE, or Vault's)");
  }
  if (contains_any(reason, {"certificate", "SSL error", "does not support SSL", "root.crt"})) {
    return Error(Kind::configuration, what,
                 "check WRKTALK_AGENT_DB_SSL_MODE, sslrootcert and the server's certificate");
  }
  if (contains_any(reason, {"too many clients", "remaining connection slots"})) {
    return Error(Kind::connection_lost, what, "wait, or raise max_connections on the server");
  }
  if (contains_any(reason, {"session is not read-write", "session is read-only", "server is in hot standby"})) {
    return Error(Kind::connection_lost, what, "name the primary too: all hosts that answered are read-only");
  }
  if (contains_any(
          reason, {"invalid connection option", "invalid sslmode", "invalid integer value", "definition of service"})) {
    return Error(Kind::configuration, what, "see `wrktalk config show` for where each setting comes from");
  }
  // Who has just been silent for all of connect_timeout is not asked once more, nor is the name server.
  if (!contains_any(reason, {"timeout expired", "could not translate host name"}) && answers(settings)) {
    return Error(Kind::configuration, what, "the server answers, so check database name, user and pg_hba.conf");
  }
  return Error(Kind::connection_lost, what,
               "check that PostgreSQL runs there and that host and port are right (`wrktalk config show`)");
}

}  // namespace wrktalk::db
