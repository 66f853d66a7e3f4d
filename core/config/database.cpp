// SPDX-License-Identifier: Apache-2.0
#include "core/config/database.hpp"

#include "core/base/error.hpp"

#include <algorithm>
#include <array>

namespace wrktalk::config {
namespace {

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

Parameters dsn_parts(const Value& dsn, const DsnParser& parse_dsn) {
  if (dsn.text.empty()) return {};
  Parameters parts = parse_dsn(dsn.text);
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

Said said(const std::string& prefix, const Values& values, const DsnParser& parse_dsn) {
  const Value& dsn = values.at(prefix + "dsn");
  Said out;
  // A single setting of a stronger source stands in for the DSN's part of that name.
  const auto beaten = [&](const std::string& keyword) {
    return std::any_of(kKeywords.begin(), kKeywords.end(), [&](const Keyword& k) {
      const Value& value = values.at(prefix + k.key);
      return keyword == k.keyword && !value.text.empty() && value.source > dsn.source;
    });
  };
  for (const auto& part : dsn_parts(dsn, parse_dsn)) {
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
Database merged(const Said& said) {
  Database database{said.strong};
  const auto add = [&](const Parameters& weaker) {
    if (said.decides("service") || holds(database.parameters, "service")) return;
    Parameters added;
    for (const auto& part : weaker) {
      if (!said.decides(part.first) && !holds(database.parameters, part.first)) added.push_back(part);
    }
    database.parameters.insert(database.parameters.end(), added.begin(), added.end());
  };
  add(said.from_file);
  add(said.fallback);
  return database;
}

}  // namespace

Database agent_database(const Values& values, const DsnParser& parse_dsn) {
  return merged(said("db.", values, parse_dsn));
}

Database checkpoint_database(const Values& values, const Database& agent, const DsnParser& parse_dsn) {
  Said own = said("checkpoint.", values, parse_dsn);
  for (const auto& part : agent.parameters) {
    if (part.first != "dbname") own.fallback.push_back(part);
  }
  return merged(own);
}

}  // namespace wrktalk::config
