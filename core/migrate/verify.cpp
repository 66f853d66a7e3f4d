// SPDX-License-Identifier: Apache-2.0
#include "core/migrate/verify.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/db/session.hpp"
#include "core/migrate/grants.hpp"
#include "core/migrate/history.hpp"

#include <algorithm>
#include <set>
#include <unordered_map>

namespace wrktalk::migrate {
namespace {

using base::Deadline;
using base::Error;
using base::Kind;

bool has_table(const Catalog& catalog, const std::string& table) {
  return std::any_of(catalog.begin(), catalog.end(),
                     [&](const auto& item) { return item.kind == "table" && item.table == table; });
}

bool is_langgraph(const Set& set) { return !set.adopt_sql.empty(); }

/// What the checks group by; everything that is of no named kind comes last.
std::string check_of(const CatalogItem& item) {
  static const std::set<std::string> of_tables = {"table",       "storage",     "row security", "rule",
                                                  "child table", "search path", "reference"};
  if (of_tables.count(item.kind) != 0) return "tables";
  if (item.kind == "column") return "columns of " + item.table;
  if (item.kind == "index") return "indexes";
  if (item.kind == "primary key") return "primary keys";
  if (item.kind == "owner" || item.kind == "function") return "owners and functions";
  return "constraints and triggers";
}

/// The checks of what is expected and of what differs, in the order in which they are read: a difference without a check would
/// be lost. There may be thousands of tables.
class Checks {
 public:
  Checks(const Catalog& expected, const Comparison& comparison) {
    add("tables");
    for (const auto& table : tables_of(expected)) add("columns of " + table);
    add("indexes");
    add("primary keys");
    std::set<std::string> missing;
    for (const auto& difference : comparison.differences) {
      if (difference.item.kind == "table" && difference.found.empty()) missing.insert(difference.item.table);
    }
    for (const auto& item : expected) {
      if (item.kind == "format") continue;
      Tally& tally = of(item);
      ++tally.wanted;
      // What belongs to a missing table is missing too, and was said once.
      if (item.kind != "table" && missing.count(item.table) != 0) ++tally.wrong;
    }
    for (const auto& difference : comparison.differences) {
      if (difference.item.kind == "format") continue;
      Tally& tally = of(difference.item);
      tally.check.differences.push_back(difference.text());
      if (!difference.expected.empty()) ++tally.wrong;
    }
  }

  std::vector<Check> take() && {
    std::vector<Check> checks;
    for (auto& tally : tallies_) {
      tally.check.result = std::to_string(tally.wanted - tally.wrong) + " of " + std::to_string(tally.wanted);
      checks.push_back(std::move(tally.check));
    }
    return checks;
  }

 private:
  struct Tally {
    Check check;
    std::ptrdiff_t wanted = 0;
    std::ptrdiff_t wrong = 0;
  };

  Tally& add(const std::string& name) {
    const auto [at, added] = places_.try_emplace(name, tallies_.size());
    if (added) tallies_.push_back({{name, {}, {}}, 0, 0});
    return tallies_[at->second];
  }
  Tally& of(const CatalogItem& item) { return add(check_of(item)); }

  std::vector<Tally> tallies_;
  std::unordered_map<std::string, std::size_t> places_;
};

/// LangGraph's queries name no schema: each table is the one that the search path finds.
Site by_search_path(Site site) {
  site.schema.clear();
  return site;
}

/// What else stands around LangGraph's tables. A foreign key that refers to them holds up its deletes. Tables of the same names later on
/// the search path are another application's when those found first are beside their ledger, else the ones that should have been found.
void judge_neighbours(Comparison& comparison, const Site& site) {
  const auto is_another_application = [&](const Difference& difference) {
    return difference.item.kind == "search path" && site.has_ledger &&
           base::starts_with(difference.found, site.schema + ".");
  };
  auto& differences = comparison.differences;
  auto& harmless = comparison.harmless;
  const auto references = std::stable_partition(harmless.begin(), harmless.end(), [](const Difference& difference) {
    return difference.item.kind != "reference";
  });
  differences.insert(differences.end(), references, harmless.end());
  harmless.erase(references, harmless.end());
  const auto others = std::stable_partition(differences.begin(), differences.end(), [&](const Difference& difference) {
    return !is_another_application(difference);
  });
  harmless.insert(harmless.end(), others, differences.end());
  differences.erase(others, differences.end());
}

Check rights_check(std::vector<std::string> excess) {
  return {"rights", excess.empty() ? "none too many" : std::to_string(excess.size()) + " too many", std::move(excess)};
}

Check version_check(const std::optional<std::int64_t>& version, std::vector<std::string>& warnings) {
  Check check{"schema version", version ? std::to_string(*version) : "none", {}};
  if (version.value_or(-1) < kCheckpointVersion) {
    check.differences.push_back("schema version: expected " + std::to_string(kCheckpointVersion) + ", found " +
                                check.result);
  } else if (*version > kCheckpointVersion) {
    warnings.push_back("schema version " + check.result + " is newer than " + std::to_string(kCheckpointVersion) +
                       ", the newest this program knows");
  }
  return check;
}

Check migrations_check(const std::vector<Entry>& entries, std::vector<std::string>& warnings) {
  Check check{"migrations", {}, {}};
  std::size_t applied = 0;
  for (const auto& entry : entries) {
    if (entry.state == State::applied) {
      ++applied;
      if (entry.row->outcome == "recorded") {
        warnings.push_back("migration " + entry.label + " (" + entry.name +
                           ") was recorded and not run: what it made is not compared");
      }
    } else {
      check.differences.push_back(complaint(entry));
    }
  }
  check.result = std::to_string(applied) + " of " + std::to_string(entries.size()) + " applied";
  return check;
}

Error no_structure(const Set& set, const std::vector<LedgerRow>& ledger) {
  if (ledger.empty()) {
    return Error(Kind::failed, "set " + set.name + " has no ledger in this database: there is nothing to compare with",
                 "run `wrktalk migrate up`, or `wrktalk migrate baseline` when the tables are there already");
  }
  return Error(Kind::failed, "the last run on set " + set.name + " was cut short before it wrote down what it made",
               "run `wrktalk migrate up`");
}

void begin_read_only(db::raw::Connection& connection, base::Pulse& pulse) {
  connection.script(connection.begin_sql("ISOLATION LEVEL REPEATABLE READ READ ONLY"), pulse, Deadline::never());
}

}  // namespace

std::optional<Catalog> expected_catalog(db::raw::Connection& connection, const Site& site, const Set& set,
                                        base::Pulse& pulse) {
  if (!set.fingerprint.empty()) return parse_catalog(set.fingerprint);
  const auto text = read_fingerprint(connection, site, set.name, pulse);
  if (!text) return std::nullopt;
  return parse_catalog(*text);
}

Inspection inspect(db::raw::Connection& connection, const Site& site, const Set& set, const Catalog& expected,
                   base::Pulse& pulse) {
  Inspection inspection;
  const Site where = is_langgraph(set) ? by_search_path(site) : site;
  inspection.found = read_catalog(connection, where.schema, tables_of(expected), pulse, set.owner_of);
  inspection.comparison = compare(expected, inspection.found);
  if (!is_langgraph(set)) return inspection;
  judge_neighbours(inspection.comparison, site);
  if (has_table(inspection.found, "checkpoint_migrations")) {
    const auto newest = connection.query("SELECT max(v) FROM " + where.qualified("checkpoint_migrations"), {}, pulse,
                                         Deadline::never());
    if (const auto& v = newest.rows.at(0).at(0)) inspection.version = std::stoll(*v);
  }
  return inspection;
}

Inspection inspect(db::raw::Connection& connection, const Site& site, const Set& set, base::Pulse& pulse) {
  return inspect(connection, site, set, parse_catalog(set.fingerprint), pulse);
}

bool Report::is_clean() const noexcept {
  return std::all_of(checks.begin(), checks.end(), [](const auto& check) { return check.differences.empty(); });
}

namespace {

/// LangGraph's store lies beside its checkpoints and is made by the application: no migration of ours tells how.
void tell_of_store(db::raw::Connection& connection, Report& report, base::Pulse& pulse) {
  const auto found = connection.query(
      "SELECT string_agg(name, ', ' ORDER BY name) FROM unnest('{store,store_migrations,store_vectors,"
      "vector_migrations}'::text[]) AS wanted(name) WHERE to_regclass(quote_ident(name)) IS NOT NULL "
      "AND to_regclass('store_migrations') IS NOT NULL",
      {}, pulse, Deadline::never());
  if (!found.rows.at(0).at(0)) return;
  report.warnings.push_back("LangGraph's store is here, too (" + *found.rows[0][0] +
                            "): it is not compared; `backup create --tables checkpoint,store` takes it along");
}

}  // namespace

Report verify(db::raw::Connection& connection, const Set& set, Count count, base::Pulse& pulse) {
  begin_read_only(connection, pulse);
  const Site site = find_site(connection, tables_of(parse_catalog(set.fingerprint)), pulse);
  const auto ledger = read_ledger(connection, site, set.name, pulse);
  const auto expected = expected_catalog(connection, site, set, pulse);
  if (!expected) throw no_structure(set, ledger);
  const Inspection inspection = inspect(connection, site, set, *expected, pulse);

  Report report;
  report.schema = site.schema;
  if (is_langgraph(set)) {
    report.version = inspection.version;
    report.checks.push_back(version_check(report.version, report.warnings));
  } else {
    if (!ledger.empty()) report.version = newest_applied(ledger);
    report.checks.push_back(migrations_check(history(set, ledger), report.warnings));
  }
  for (auto& check : Checks(*expected, inspection.comparison).take()) report.checks.push_back(std::move(check));
  if (!set.owner_of.empty()) report.checks.push_back(rights_check(excess_rights(connection, site, pulse)));
  for (const auto& extra : inspection.comparison.harmless) report.warnings.push_back(extra.text());
  if (inspection.found.empty()) {
    const auto path = connection.query("SHOW search_path", {}, pulse, Deadline::never()).rows.at(0).at(0).value_or("");
    report.warnings.push_back("none of the tables is in a schema of the search_path: " + path);
  }
  if (is_langgraph(set)) tell_of_store(connection, report, pulse);
  report.figures = table_figures(connection, is_langgraph(set) ? by_search_path(site) : site,
                                 tables_of(inspection.found), count, pulse);
  return report;
}

Usage usage(db::raw::Connection& connection, const Set& set, base::Pulse& pulse) {
  if (!is_langgraph(set)) throw Error(Kind::usage, "only the checkpoint set has threads to count", "leave --set out");
  begin_read_only(connection, pulse);
  const Site site = find_site(connection, {"checkpoints"}, pulse);
  const auto size = [&](const char* table) {
    return "pg_total_relation_size(" + db::quote_literal(site.qualified(table)) + ")";
  };
  const auto row = connection
                       .query("SELECT count(DISTINCT thread_id), count(*), " + size("checkpoints") + ", " +
                                  size("checkpoint_blobs") + ", " + size("checkpoint_writes") + " FROM " +
                                  site.qualified("checkpoints"),
                              {}, pulse, Deadline::never())
                       .rows.at(0);
  const auto number = [&](std::size_t column) { return std::stoll(row.at(column).value_or("0")); };
  return {number(0), number(1), number(2), number(3), number(4)};
}

}  // namespace wrktalk::migrate
