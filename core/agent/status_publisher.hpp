// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/agent/settings.hpp"
#include "core/agent/stop.hpp"
#include "core/base/pulse.hpp"
#include "core/observe/board.hpp"
#include "core/observe/server.hpp"
#include "core/observe/state_file.hpp"
#include "core/queue/tick.hpp"

#include <optional>
#include <string>
#include <vector>

namespace wrktalk::agent {

/// What the agent knows of itself, and for the daemon how that gets out: a pulse that at each beat stamps the state file and, with
/// --http, puts the status where the server reads it.
class StatusPublisher : public base::Pulse {
 public:
  StatusPublisher(const Settings& settings, const Stop& stop);

  /// From here on it is seen from outside. Throws Error(configuration) when it cannot listen.
  void begin();

  observe::Status& status() noexcept { return status_; }
  /// Whether somebody may look at the database's figures.
  bool shows_figures() const noexcept { return settings_.http.has_value(); }
  void take(const queue::Figures& figures);

  base::Deadline watch(std::vector<pollfd>&) override;
  void tick() override;

 private:
  bool has_changed() const noexcept;
  void show();
  void claim_file();
  void look_at_backups();

  const Settings& settings_;
  const Stop& stop_;
  observe::Status status_;
  std::optional<observe::StateFile> file_;
  bool file_failed_ = false;
  observe::Board board_;
  std::optional<observe::Server> server_;  ///< after the board, which it reads
  base::Deadline next_ = base::Deadline::never();
  bool fresh_answers_ = false;
  bool shown_away_ = false;
  base::Deadline next_backups_ = base::Deadline::at({});
  bool backups_failed_ = false;
};

}  // namespace wrktalk::agent
