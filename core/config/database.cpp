// SPDX-License-Identifier: Apache-2.0
#include "core/config/database.hpp"

#include "core/base/error.hpp"
#include "core/db/settings.hpp"

#include <algorithm>
#include <array>

namespace wrktalk::config {
namespace {

using Parameters = std::vector<std::pair<std::string, std::string>>;
using settings::Definition;
using settings::Form;
using settings::Source;
using settings::Value;
using settings::Values;

// clang-format off
const std::vector<Definition> kDefinitions = {
    {"db.dsn", "WRKTALK_AGENT_DB_DSN", "", "--dsn", "", Form::secret, "Conninfo string or URI of libpq; its parts come before single settings of the same source"},
    {"db.service", "WRKTALK_AGENT_DB_SERVICE", "PGSERVICE", "--db-service", "", Form::value, "Name in libpq's service file"},
    {"db.host", "WRKTALK_AGENT_DB_HOST", "PGHOST PGHOSTADDR", "--db-host", "localhost", Form::value, "Host, socket folder, or several hosts with commas"},
    {"db.port", "WRKTALK_AGENT_DB_PORT", "PGPORT", "--db-port", "5432", Form::value, "Port"},
    {"db.name", "WRKTALK_AGENT_DB_NAME", "PGDATABASE", "--db-name", "wrktalk", Form::value, "Database name"},
    {"db.user", "WRKTALK_AGENT_DB_USER", "PGUSER", "--db-user", "postgres", Form::value, "User"},
    {"db.password", "WRKTALK_AGENT_DB_PASSWORD", "PGPASSWORD", "", "", Form::secret, "Password"},
    {"db.ssl_mode", "WRKTALK_AGENT_DB_SSL_MODE", "PGSSLMODE", "--db-ssl-mode", "prefer", Form::value, "One of disable, allow, prefer, require, verify-ca, verify-full"},
    {"checkpoint.dsn", "WRKTALK_AGENT_CHECKPOINT_DSN", "", "--checkpoint-dsn --dsn", "", Form::secret, "As --dsn for the database of the checkpoint tables; what it leaves open is as for the agent's"},
    {"checkpoint.service", "WRKTALK_AGENT_CHECKPOINT_SERVICE", "PGSERVICE", "--db-service", "", Form::value, "As for the agent's database"},
    {"checkpoint.host", "WRKTALK_AGENT_CHECKPOINT_HOST", "PGHOST PGHOSTADDR", "--db-host", "", Form::value, "As for the agent's database, and when empty the same as there"},
    {"checkpoint.port", "WRKTALK_AGENT_CHECKPOINT_PORT", "PGPORT", "--db-port", "", Form::value, "As for the agent's database, and when empty the same as there"},
    {"checkpoint.name", "WRKTALK_AGENT_CHECKPOINT_NAME", "PGDATABASE", "--db-name", "agent_executor", Form::value, "Database name"},
    {"checkpoint.user", "WRKTALK_AGENT_CHECKPOINT_USER", "PGUSER", "--db-user", "", Form::value, "As for the agent's database, and when empty the same as there"},
    {"checkpoint.password", "WRKTALK_AGENT_CHECKPOINT_PASSWORD", "PGPASSWORD", "", "", Form::secret, "As for the agent's database, and when empty the same as there"},
    {"checkpoint.ssl_mode", "WRKTALK_AGENT_CHECKPOINT_SSL_MODE", "PGSSLMODE", "--db-ssl-mode", "", Form::value, "As for the agent's database, and when empty the same as there"},
};
// clang-format on

struct Keyword {
  const char* key;      ///< after "db." or "checkpoint."
  const char* keyword;  ///< libpq's
};
constexpr std::array<Keyword, 7> kKeywords = {{{"service", "service"},
                                               {"host", "host"},
                                               {"port", "port"},
                                               {"name", "dbname"},
                                               {"user", "user"},
                                               {"password", "password"},
                                               {"ssl_mode", "sslmode"}}};

bool holds(const Parameters& parameters, const std::string& keyword) {
  return std::any_of(parameters.begin(), parameters.end(), [&](const auto& p) { return p.first == keyword; });
}

Parameters dsn_parts(const Value& dsn) {
  if (dsn.text.empty()) return {};
  Parameters parts = db::parse_conninfo(dsn.text);
  if (dsn.source == Source::flag && (holds(parts, "password") || holds(parts, "sslpassword"))) {
    throw base::Error(
        base::Kind::usage, dsn.origin + " holds a password, which every user of this machine can see",
        "put the password into WRKTALK_AGENT_DB_PASSWORD, WRKTALK_AGENT_DB_PASSWORD_FILE or a PGPASSFILE");
  }
  return parts;
}

/// What was said of one database, the stronger first. libpq itself looks up what is in `left_to_libpq`.
struct Said {
  Parameters strong;
  std::vector<std::string> left_to_libpq;
  Parameters from_file;
  Parameters fallback;

  bool decides(const std::string& keyword) const {
    return holds(strong, keyword) ||
           std::find(left_to_libpq.begin(), left_to_libpq.end(), keyword) != left_to_libpq.end();
  }
  Parameters& of(Source source) {
    if (source > Source::file) return strong;
    return source == Source::file ? from_file : fallback;
  }
};

Said said(const std::string& prefix, const Values& values) {
  const Value& dsn = values.at(prefix + "dsn");
  Said out;
  // A single setting of a stronger source stands in for the DSN's part of that name.
  const auto beaten = [&](const std::string& keyword) {
    return std::any_of(kKeywords.begin(), kKeywords.end(), [&](const Keyword& k) {
      const Value& value = values.at(prefix + k.key);
      return keyword == k.keyword && !value.text.empty() && value.source > dsn.source;
    });
  };
  for (const auto& part : dsn_parts(dsn)) {
    if (!beaten(part.first)) out.of(dsn.source).push_back(part);
  }
  for (const auto& [key, keyword] : kKeywords) {
    const Value& value = values.at(prefix + key);
    // libpq's own default for sslmode depends on other parameters.
    const bool silent = value.text.empty() || (key == std::string("ssl_mode") && value.source == Source::default_value);
    if (silent || holds(out.strong, keyword) || holds(out.from_file, keyword)) continue;
    if (value.source == Source::pg_environment)
      out.left_to_libpq.emplace_back(keyword);
    else
      out.of(value.source).emplace_back(keyword, value.text);
  }
  return out;
}

/// Whoever names a service has said there what weaker sources would only guess.
Parameters merged(const Said& said) {
  Parameters parameters = said.strong;
  const auto add = [&](const Parameters& weaker) {
    if (said.decides("service") || holds(parameters, "service")) return;
    Parameters added;
    for (const auto& part : weaker) {
      if (!said.decides(part.first) && !holds(parameters, part.first)) added.push_back(part);
    }
    parameters.insert(parameters.end(), added.begin(), added.end());
  };
  add(said.from_file);
  add(said.fallback);
  return parameters;
}

}  // namespace

const std::vector<Definition>& database_definitions() { return kDefinitions; }

Parameters agent_parameters(const Values& values) { return merged(said("db.", values)); }

Parameters checkpoint_parameters(const Values& values, const Parameters& agent) {
  Said own = said("checkpoint.", values);
  for (const auto& part : agent) {
    if (part.first != "dbname") own.fallback.push_back(part);
  }
  return merged(own);
}

}  // namespace wrktalk::config
