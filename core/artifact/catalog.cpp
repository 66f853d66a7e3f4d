// SPDX-License-Identifier: Apache-2.0
#include "core/artifact/artifact.hpp"
#include "core/artifact/query.hpp"
#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <iterator>

namespace wrktalk::artifact {
namespace {

using base::Error;
using base::Kind;
using db::raw::Connection;

// The size comes from the value's header: nothing is unpacked or read for it.
constexpr const char* kSelect =
    "SELECT id, release_version, chart_type, lower(trim(sha256)),"
    " coalesce(size_bytes, octet_length(artifact_data)), chunked, coalesce(is_current, false),"
    " coalesce(is_previous, false), created_at, applied_at, env_data IS NOT NULL, values_data IS NOT NULL,"
    " requires_schema, server_env IS NOT NULL, CASE WHEN pg_column_size(manifest) > 1000000"
    " OR octet_length(manifest::text) > 1000000 THEN '\"larger than 1 MB\"' ELSE manifest::text END"
    " FROM release_artifact ";

Artifact artifact_of(const std::vector<std::optional<std::string>>& row) {
  const auto text = [&](std::size_t column) { return row.at(column).value_or(""); };
  const auto flag = [&](std::size_t column) { return row.at(column) == "t"; };
  Artifact artifact;
  artifact.id = text(0);
  artifact.version = text(1);
  artifact.chart_type = text(2);
  artifact.sha256 = text(3);
  artifact.size_bytes = std::stoull(text(4));
  artifact.chunked = flag(5);
  artifact.is_current = flag(6);
  artifact.is_previous = flag(7);
  artifact.created_at = text(8);
  artifact.applied_at = row.at(9);
  artifact.has_env = flag(10);
  artifact.has_values = flag(11);
  artifact.requires_schema = text(12);
  artifact.has_server_env = flag(13);
  artifact.manifest = text(14);
  return artifact;
}

std::vector<Artifact> select(Connection& db, const std::string& where,
                             const std::vector<std::optional<std::string>>& params, base::Pulse& pulse) {
  const auto table = query(db, kSelect + where, params, pulse);
  std::vector<Artifact> artifacts;
  std::transform(table.rows.begin(), table.rows.end(), std::back_inserter(artifacts), artifact_of);
  return artifacts;
}

std::string described(const std::vector<Artifact>& artifacts) {
  std::vector<std::string> parts;
  parts.reserve(artifacts.size());
  for (const Artifact& artifact : artifacts) parts.push_back(artifact.id + " (" + artifact.chart_type + ")");
  return base::join(parts, ", ");
}

}  // namespace

db::raw::Table query(Connection& db, const std::string& sql, const std::vector<std::optional<std::string>>& params,
                     base::Pulse& pulse) {
  try {
    return db.query(sql, params, pulse, base::Deadline::in(std::chrono::seconds(30)));
  } catch (const db::SqlError& error) {
    const bool missing = error.sqlstate() == "42P01" || error.sqlstate() == "42703";
    if (!missing) throw;
    throw Error(Kind::configuration, std::string("the agent's tables are missing or too old: ") + error.what(),
                "run `wrktalk migrate up --set agent`");
  }
}

std::vector<Artifact> list(Connection& db, base::Pulse& pulse) {
  return select(db, "ORDER BY created_at DESC, id", {}, pulse);
}

Artifact find(Connection& db, const std::string& version_or_id, const std::optional<std::string>& chart_type,
              base::Pulse& pulse) {
  // A version may have been stored that is another release's id: the id counts.
  const auto found =
      select(db,
             "WHERE ($2::text IS NULL OR chart_type = $2) AND CASE WHEN EXISTS (SELECT FROM release_artifact i WHERE"
             " i.id::text = lower($1) AND ($2::text IS NULL OR i.chart_type = $2)) THEN id::text = lower($1)"
             " ELSE release_version = $1 END ORDER BY created_at DESC, id",
             {version_or_id, chart_type}, pulse);
  const std::string name = "release " + base::one_line(version_or_id) + (chart_type ? " of type " + *chart_type : "");
  if (found.empty()) throw Error(Kind::failed, "there is no " + name, "see `wrktalk release list`");
  if (found.size() > 1) {
    throw Error(Kind::failed, "there is more than one " + name + ": " + described(found),
                "name the one you mean by its id or with --type");
  }
  return found.front();
}

Texts texts_of(Connection& db, const std::string& id, base::Pulse& pulse) {
  const std::string limit = std::to_string(kLargestText);
  const auto column = [&](const std::string& name) {
    return "CASE WHEN octet_length(" + name + ") <= " + limit + " THEN " + name + " END, octet_length(" + name +
           ") > " + limit;
  };
  const auto table = query(
      db, "SELECT " + column("env_data") + ", " + column("values_data") + " FROM release_artifact WHERE id = $1::uuid",
      {id}, pulse);
  if (table.rows.empty()) throw Error(Kind::failed, "there is no artifact " + id);
  const auto& row = table.rows.front();
  if (row[1] == "t" || row[3] == "t") {
    throw Error(Kind::artifact,
                std::string(row[1] == "t" ? "env_data" : "values_data") + " of the release is larger than " +
                    base::human_size(kLargestText),
                "store the release again with a smaller file");
  }
  return {row[0], row[2]};
}

}  // namespace wrktalk::artifact
