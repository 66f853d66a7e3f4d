// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/pulse.hpp"
#include "core/db/raw.hpp"

#include <string>
#include <string_view>
#include <vector>

/// What PostgreSQL's catalog says of some tables, in a form that is the same on every server version and for every
/// schema: the fingerprint that the ledger keeps and `verify` compares with.
namespace wrktalk::migrate {

/// table, column, primary key, index, constraint (foreign key, unique, check) or trigger; what makes a table lose or hide rows: storage,
/// row security, rule, child table, search path (another table of its name comes later there); reference (a foreign key of another table);
/// owner and function where a set has them.
struct CatalogItem {
  std::string table;  ///< empty for a function
  std::string kind;
  std::string name;        ///< of a column, index or trigger; a constraint's definition, since its name does not matter
  std::string definition;  ///< "text not null default ''::text", "btree (thread_id)"; ends in INVALID for such an index
};
using Catalog = std::vector<CatalogItem>;

/// One item a line, its four parts separated by tabs. An item of kind "format" tells that it holds all of these kinds.
std::string catalog_text(const Catalog& catalog);
Catalog parse_catalog(std::string_view text);

/// The names of the tables in it.
std::vector<std::string> tables_of(const Catalog& catalog);

/// One round trip; items are sorted by table, kind and name. Tables that do not exist are left out. A name without a schema
/// is one of `schema`, which must stand in the search path; with an empty `schema` each is the one that the search path finds first.
/// `owner_of`: a table beside which our functions lie; the owners of both are then compared with its owner.
Catalog read_catalog(db::raw::Connection& connection, const std::string& schema, const std::vector<std::string>& tables,
                     base::Pulse& pulse, const std::string& owner_of = {});

struct Difference {
  CatalogItem item;
  std::string expected;  ///< empty: not expected at all
  std::string found;     ///< empty: missing
  std::string text() const;
};

struct Comparison {
  std::vector<Difference> differences;
  /// Unexpected, but nobody who knows only the expected tables stumbles over it: an index that is not unique, a column
  /// that is nullable or has a default, a foreign key of another table.
  std::vector<Difference> harmless;
};

/// A missing table is one difference, whatever it should hold. Kinds that a fingerprint without a format does not know are left
/// out. gen_random_uuid() and uuid_generate_v4() are the same
/// default.
Comparison compare(const Catalog& expected, const Catalog& found);

}  // namespace wrktalk::migrate
