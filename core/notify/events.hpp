// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/notify/notification.hpp"
#include "core/notify/page.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace wrktalk::notify {

/// How much of a task's id a message shows.
constexpr std::size_t kShortId = 8;

/// All that a message about one event says of its own; each event has one row in events.cpp. What every message has (the rows of the task, the failure, the
/// footer) is in email.cpp.
struct EventText {
  const char* event;  ///< "deploy.completed"
  const char* title;  ///< as users know them from the mails of v4.2, where there were such
  const char* color;  ///< of HTML
  /// One sentence: what the reader must know when nothing else is read.
  std::string (*summary)(const Notification&);
  /// What to do, before and after the task's story; `story` is the row that shows it, empty for what is no task's.
  std::vector<NextStep> (*next_steps)(const Notification&, const std::vector<NextStep>& story);
  /// Fills in what an example of it says, for `notify preview`.
  void (*fill_sample)(Notification&);
  bool is_of_agent =
      false;  ///< it is about an agent: the subject names that, and its `ended_at` is when it was last seen
};

/// In the order in which `notify preview` lists them.
const std::vector<EventText>& event_texts();

/// For an event that has no row, a text in the event's own name.
EventText text_of(const Notification& notification);

}  // namespace wrktalk::notify
