// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/agent/task_store.hpp"
#include "core/base/backoff.hpp"
#include "core/base/deadline.hpp"
#include "core/queue/claim.hpp"

#include <deque>
#include <string>

namespace wrktalk::agent {

/// The task's story: each line goes to the log and to task_event. A task does not fail, and does not wait, because its story cannot be told: while
/// the database is away lines are kept and written later, in order; a line that it refuses is written in plain ASCII, else left out and told in
/// the log.
class Journal {
 public:
  Journal(TaskStore& store, const queue::Claim& claim) : store_(store), claim_(claim) {}

  /// Throws only lease_lost.
  void note(const std::string& phase, const std::string& message);
  /// A line that a tool printed: written with the next note. Only the first of a task are kept, the log has them all.
  void keep_output(const std::string& line);
  /// Writes what was kept. Throws only lease_lost.
  void flush();

 private:
  struct Line {
    std::string phase;
    std::string message;
  };
  bool write(const Line& line);
  static constexpr std::size_t kMostKept = 1000;
  static constexpr int kMostOutput = 200;

  TaskStore& store_;
  const queue::Claim& claim_;
  std::deque<Line> kept_;
  std::string phase_ = "claim";
  int output_lines_ = 0;
  base::Backoff backoff_;  ///< the database did not take the last line
  base::Deadline again_at_ = base::Deadline::at({});
  bool refused_ = false;  ///< and the log says so
};

}  // namespace wrktalk::agent
