// SPDX-License-Identifier: Apache-2.0
#include "core/notify/outbox.hpp"

namespace wrktalk::notify {

int enqueue(db::Transaction& tx, const Event& event) {
  return static_cast<int>(tx.run("INSERT INTO notification (event, event_key, task_id, recipient, data) "
                                 "SELECT $1, $2, $3::uuid, email, $4::jsonb FROM admin WHERE is_active "
                                 "ON CONFLICT (event_key, recipient) DO NOTHING RETURNING id",
                                 event.name, event.key, event.task_id, event.data)
                              .size());
}

}  // namespace wrktalk::notify
