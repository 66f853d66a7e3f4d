// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/deadline.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

/// What a running agent shows of itself: the probes, the metrics, and the file that `wrktalk health` reads.
namespace wrktalk::observe {

/// Durations in buckets, as Prometheus counts them.
struct Histogram {
  static constexpr std::array<double, 8> kBounds = {0.1, 0.5, 1, 5, 15, 60, 300, 900};  ///< seconds
  std::array<std::uint64_t, kBounds.size() + 1> counts{};                               ///< the last: above all bounds
  double sum_seconds = 0;

  void add(std::chrono::nanoseconds duration) noexcept;
};

/// Adds to a histogram how long it has lived.
class Stopwatch {
 public:
  explicit Stopwatch(Histogram& histogram) : histogram_(histogram) {}
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;
  ~Stopwatch() { histogram_.add(base::BootClock::now() - began_at_); }

 private:
  Histogram& histogram_;
  base::BootClock::time_point began_at_ = base::BootClock::now();
};

/// What is in the database, as the last look at the queue found it.
struct Queue {
  double due = 0;
  double scheduled = 0;
  double running = 0;
  double oldest_due_seconds = 0;
  double maintenance = 0;  ///< 1: on
  double outbox_waiting = 0;
  double outbox_given_up = 0;
};

struct Backup {
  std::int64_t made_at = 0;  ///< seconds since 1970
  std::uint64_t size_bytes = 0;
};

/// All that is known of the agent. Its loop alone writes it; others get copies that nobody changes.
struct Status {
  std::string agent_id;
  base::BootClock::time_point ticked_at{};  ///< the loop's last tick
  bool ending = false;

  std::optional<base::BootClock::time_point> away_since{};  ///< the database does not take or give anything
  std::vector<std::string> missing{};  ///< what this machine lacks to serve its targets, a sentence each

  std::map<std::pair<std::string, std::string>, std::uint64_t> tasks{};  ///< by type and result
  std::map<std::string, Histogram> phases{};                             ///< by the step's name
  std::uint64_t late_heartbeats = 0;
  std::uint64_t lost_leases = 0;
  std::uint64_t reconnects = 0;
  std::uint64_t artifact_bytes = 0;
  std::optional<Queue> queue{};
  std::optional<Backup> backup{};

  /// Counts a task that left our hands; a type that nobody knows counts as "other".
  void count_task(const std::string& type, const std::string& result);
  void database_answers() noexcept { away_since.reset(); }
  /// What the database last said of itself is not shown any more.
  void database_is_away() noexcept;
  bool is_ready() const noexcept { return !ending && !away_since && missing.empty(); }
};

/// Every type and result starts at zero, so that a first failure is an increase.
Status new_status(std::string agent_id);

}  // namespace wrktalk::observe
