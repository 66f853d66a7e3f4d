// SPDX-License-Identifier: Apache-2.0
#include "core/artifact/artifact.hpp"
#include "core/artifact/query.hpp"
#include "core/artifact/sql.hpp"
#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <string>
#include <vector>

namespace wrktalk::artifact {
namespace {

using base::Error;
using base::Kind;
using db::raw::Connection;

Artifact artifact_of(const db::raw::Table& table, std::size_t row) {
  const auto text = [&](const char* column) { return table.at(row, column).value_or(""); };
  const auto flag = [&](const char* column) { return table.at(row, column) == "t"; };
  Artifact artifact;
  artifact.id = text("id");
  artifact.version = text("version");
  artifact.chart_type = text("chart_type");
  artifact.sha256 = text("sha256");
  artifact.size_bytes = std::stoull(text("size_bytes"));
  artifact.chunked = flag("chunked");
  artifact.is_current = flag("is_current");
  artifact.is_previous = flag("is_previous");
  artifact.created_at = text("created_at");
  artifact.applied_at = table.at(row, "applied_at");
  artifact.has_env = flag("has_env");
  artifact.has_values = flag("has_values");
  artifact.requires_schema = text("requires_schema");
  artifact.has_server_env = flag("has_server_env");
  artifact.manifest = text("manifest");
  return artifact;
}

std::vector<Artifact> select(Connection& db, const char* statement,
                             const std::vector<std::optional<std::string>>& params, base::Pulse& pulse) {
  const auto table = query(db, statement, params, pulse);
  std::vector<Artifact> artifacts;
  for (std::size_t row = 0; row < table.rows.size(); ++row) artifacts.push_back(artifact_of(table, row));
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

std::vector<Artifact> list(Connection& db, base::Pulse& pulse) { return select(db, sql::list, {}, pulse); }

Artifact find(Connection& db, const std::string& version_or_id, const std::optional<std::string>& chart_type,
              base::Pulse& pulse) {
  const auto found = select(db, sql::find, {version_or_id, chart_type}, pulse);
  const std::string name = "release " + base::one_line(version_or_id) + (chart_type ? " of type " + *chart_type : "");
  if (found.empty()) throw Error(Kind::failed, "there is no " + name, "see `wrktalk release list`");
  if (found.size() > 1) {
    throw Error(Kind::failed, "there is more than one " + name + ": " + described(found),
                "name the one you mean by its id or with --type");
  }
  return found.front();
}

Texts texts_of(Connection& db, const std::string& id, base::Pulse& pulse) {
  const auto table = query(db, sql::texts, {id, std::to_string(kLargestText)}, pulse);
  if (table.rows.empty()) throw Error(Kind::failed, "there is no artifact " + id);
  const bool env_is_larger = table.at(0, "env_is_larger") == "t";
  if (env_is_larger || table.at(0, "values_are_larger") == "t") {
    throw Error(Kind::artifact,
                std::string(env_is_larger ? "env_data" : "values_data") + " of the release is larger than " +
                    base::human_size(kLargestText),
                "store the release again with a smaller file");
  }
  return {table.at(0, "env"), table.at(0, "values")};
}

}  // namespace wrktalk::artifact
