// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/agent/link.hpp"
#include "core/queue/claim.hpp"

#include <deque>
#include <optional>
#include <string>

namespace wrktalk::agent {

/// The task's story: each line goes to the log and to task_event. While the database is away lines are kept and written later, in
/// order; a task does not fail because its story cannot be told.
class Journal {
 public:
  Journal(Link& link, const queue::Claim& claim) : link_(link), claim_(claim) {}

  /// `data` is JSON. Throws only lease_lost.
  void note(const std::string& phase, const std::string& message,
            const std::optional<std::string>& data = std::nullopt);
  /// A line that a tool printed: written with the next note. Only the first of a task are kept, the log has them all.
  void keep_output(const std::string& line);
  /// Writes what was kept. Throws lease_lost or connection_lost.
  void flush();

 private:
  struct Line {
    std::string phase;
    std::string message;
    std::optional<std::string> data;
  };
  static constexpr std::size_t kMostKept = 1000;
  static constexpr int kMostOutput = 200;

  Link& link_;
  const queue::Claim& claim_;
  std::deque<Line> kept_;
  std::string phase_ = "claim";
  int output_lines_ = 0;
  bool away_ = false;  ///< the database did not take the last note
};

}  // namespace wrktalk::agent
