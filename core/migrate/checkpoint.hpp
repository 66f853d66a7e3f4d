// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/migrate/apply.hpp"
#include "core/migrate/verify.hpp"

/// The checkpoint tables have a second owner: LangGraph's PostgresSaver.setup() makes them too, takes no lock, and may be
/// at it right now. So the catalog decides here, not the ledger and not the version row.
namespace wrktalk::migrate {

/// Nothing is left to do: the tables are as migration 001 makes them, and the version row says so.
bool is_complete(const Inspection& inspection) noexcept;

/// Brings migration 001 about whatever is there: creates the tables where none is, completes and adopts them where some
/// are. What collides with a setup() at the same moment is decided anew. Throws Error(difference) naming what differs and
/// cannot be completed without touching data.
Done take_over(Applier& applier, db::raw::Connection& connection, const Site& site, const Set& set, Observer& observer,
               base::Pulse& pulse);

}  // namespace wrktalk::migrate
