// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/db/session.hpp"

#include <string>

/// What the admins are told. Rows are written in the transaction that makes the news, so that neither is there without the other.
namespace wrktalk::notify {

struct Event {
  std::string name;  ///< "deploy" or "rollback", then ".completed", ".failed" or ".missed"
  std::string key;   ///< the same key is never told twice to the same recipient
  std::string task_id;
  std::string data;  ///< JSON: what the mail says
};

/// One row for each active admin. Returns how many.
int enqueue(db::Transaction& tx, const Event& event);

}  // namespace wrktalk::notify
