// SPDX-License-Identifier: Apache-2.0
#include "core/db/raw.hpp"

namespace wrktalk::db::raw {
namespace {

constexpr auto kRollbackTime = std::chrono::seconds(10);

}  // namespace

Transaction::Transaction(Connection& connection, base::Pulse& pulse, base::Deadline deadline)
    : connection_(connection) {
  connection_.script(connection.begin_sql(), pulse, deadline);
}

Transaction::~Transaction() {
  if (!open_) return;
  try {
    base::NoPulse pulse;
    connection_.script("ROLLBACK", pulse, base::Deadline::in(kRollbackTime));
  } catch (const base::Error&) {
    // The connection is gone, and the transaction with it.
  }
}

void Transaction::commit(base::Pulse& pulse, base::Deadline deadline) {
  connection_.script("COMMIT", pulse, deadline);
  open_ = false;
}

}  // namespace wrktalk::db::raw
