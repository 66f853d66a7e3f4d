// SPDX-License-Identifier: Apache-2.0
#include "core/migrate/version.hpp"

#include "core/migrate/catalog.hpp"
#include "core/migrate/ledger.hpp"
#include "core/migrate/migration.hpp"

namespace wrktalk::migrate {
namespace {

constexpr std::chrono::seconds kLook{30};

std::int64_t checkpoint_version(db::raw::Connection& connection, base::Pulse& pulse) {
  const Site site = find_site(connection, tables_of(parse_catalog(embedded_set("checkpoint").fingerprint)), pulse);
  const std::string table = site.qualified("checkpoint_migrations");
  const auto found = connection.query("SELECT to_regclass($1)", {table}, pulse, base::Deadline::in(kLook));
  if (!found.rows.at(0).at(0)) return 0;
  const auto newest =
      connection.query("SELECT coalesce(max(v), 0) FROM " + table, {}, pulse, base::Deadline::in(kLook));
  return std::stoll(newest.rows.at(0).at(0).value_or("0"));
}

}  // namespace

std::int64_t schema_version(db::raw::Connection& connection, const std::string& set, base::Pulse& pulse) {
  if (set == "checkpoint") return checkpoint_version(connection, pulse);
  const auto site = find_site(connection, {}, pulse);
  return newest_applied(read_ledger(connection, site, set, pulse));
}

std::string version_text(const std::string& set, std::int64_t version) {
  return set == "agent" ? label_of(embedded_set(set), version) : std::to_string(version);
}

}  // namespace wrktalk::migrate
