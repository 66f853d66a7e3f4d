// SPDX-License-Identifier: Apache-2.0
#include "core/agent/schema.hpp"

#include "core/agent/release_needs.hpp"
#include "core/base/error.hpp"
#include "core/migrate/version.hpp"

#include <cstdint>

namespace wrktalk::agent {
namespace {

using artifact::Requirement;

std::string complaint(const Requirement& needed, std::int64_t version, const db::ConnectionSettings& database) {
  const bool too_old = version < needed.number;
  // Versions of the checkpoint tables are LangGraph's, whose migrations have these numbers.
  const std::int64_t culprit = too_old ? needed.number : version;
  return "it needs " + artifact::to_text(needed) + ", and " + needed.set + " is at " +
         migrate::version_text(needed.set, version) + " (" + db::describe(database) + "): migration " +
         migrate::version_text(needed.set, culprit) + (too_old ? " is missing" : " is too new");
}

/// The application's database. That it is away fails the task: unlike our own, no lease bounds how long it would be waited for.
db::raw::Connection connect(const db::ConnectionSettings& checkpoint) {
  try {
    return db::raw::Connection(checkpoint);
  } catch (const base::Error& e) {
    if (e.kind() != base::Kind::connection_lost) throw;
    throw base::Error(base::Kind::failed, std::string("the schema cannot be looked at: ") + e.what(), e.hint());
  }
}

}  // namespace

const char* const kSchemaHint =
    "migrate first (wrktalk migrate status), or say --ignore-schema when you know that it runs all the same";

std::string schema_problem(DatabaseLink& link, const db::ConnectionSettings& checkpoint,
                           const artifact::Artifact& artifact, base::Pulse& pulse) {
  for (const auto& needed : requirements_of(artifact)) {
    const bool is_ours = needed.set == "agent";
    auto db = is_ours ? link.raw() : connect(checkpoint);
    const auto version = migrate::schema_version(db, needed.set, pulse);
    if (!needed.holds(version)) return complaint(needed, version, is_ours ? link.settings() : checkpoint);
  }
  return {};
}

}  // namespace wrktalk::agent
