// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/host_health.hpp"

#include "core/base/text.hpp"

#include <algorithm>

namespace wrktalk::deploy {
namespace {

using base::Deadline;
using std::chrono::milliseconds;

constexpr milliseconds kFirstPause{500};
constexpr milliseconds kLongestPause{5'000};
constexpr std::chrono::seconds kBetweenWords{10};
constexpr std::size_t kLongestSaid = 500;

std::string said_by(const exec::Outcome& outcome) {
  return base::one_line(base::tail(base::trim(outcome.out + outcome.err), kLongestSaid));
}

}  // namespace

std::optional<exec::Outcome> await_health(const TryHealth& try_health, milliseconds limit,
                                          const std::function<void(const std::string&)>& tell, base::Pulse& pulse) {
  const Deadline until = Deadline::in(limit);
  milliseconds pause = kFirstPause;
  Deadline next_words = Deadline::at({});
  std::string told;
  for (int tries = 1;; ++tries) {
    exec::Outcome outcome = try_health(std::max(until.left(), kFirstPause), tries == 1);
    if (outcome.good()) return std::nullopt;
    if (Deadline::in(pause).when() >= until.when()) return outcome;
    if (next_words.passed()) {
      std::string words = "not well yet, try " + std::to_string(tries) + " " + outcome.describe() + "; trying for " +
                          base::human_duration(until.left()) + " more";
      const std::string said = said_by(outcome);
      if (tries > 1 && said != told) words += ": " + said;
      told = said;
      tell(words);
      next_words = Deadline::in(kBetweenWords);
    }
    base::pause(pulse, Deadline::in(pause));
    pause = std::min(pause * 3 / 2, kLongestPause);
  }
}

}  // namespace wrktalk::deploy
