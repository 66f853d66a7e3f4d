// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <optional>
#include <string>
#include <vector>

namespace wrktalk::notify {

/// What a message tells: an outbox row's data, read. Everything but `event` may be missing. Times are texts, as they are shown.
struct Notification {
  std::string event;  ///< "deploy.completed", one of `events()`
  std::optional<std::string> version;
  std::optional<std::string> target;
  std::optional<std::string> task_id;
  std::optional<std::string> state;  ///< "untouched", "put_back" or "not_put_back"
  std::optional<std::string> reason;
  std::optional<std::string> hint;
  std::optional<std::string> evidence;  ///< the last lines that the tool printed, redacted
  std::optional<std::string> requested_by;
  std::optional<std::string> note;
  std::optional<std::string> agent;
  std::optional<std::string> scheduled_for;
  std::optional<std::string> started_at;
  std::optional<std::string> ended_at;
  std::optional<double> duration_seconds;
};

/// Masks secrets in every text of a document, whatever its depth. Keys stay as they are.
void redact_texts(nlohmann::ordered_json& document);

/// Its texts redacted, whoever wrote the row. Text that is no JSON object gives a notification with nothing but the event: a strange row still reaches the admins.
Notification parse_notification(const std::string& event, const std::string& data);

/// A notification of that event as it looks, for `notify preview` and the webhook's trial.
Notification sample(const std::string& event);

/// All that admins are told of.
const std::vector<std::string>& events();

}  // namespace wrktalk::notify
