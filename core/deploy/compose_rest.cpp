// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/compose_rest.hpp"

#include <algorithm>
#include <iterator>

namespace wrktalk::deploy::compose {
namespace {

constexpr std::chrono::milliseconds kBetweenLooks{300};
constexpr std::chrono::milliseconds kBetweenLooksAtRest{1'000};
constexpr int kLooksAtRest = 10;

Containers running_of(const Containers& all) {
  Containers out;
  std::copy_if(all.begin(), all.end(), std::back_inserter(out),
               [](const auto& one) { return one.status == "running" || one.status == "restarting"; });
  return out;
}

}  // namespace

std::chrono::milliseconds Rest::limit(const Containers& containers) const {
  std::chrono::milliseconds longest{0};
  for (const auto& container : containers) longest = std::max(longest, container.start_period);
  return timeout_ + longest + settle_;
}

void Rest::wait(const std::string& what, Containers last, base::Pulse& pulse) const {
  auto since = base::BootClock::now();
  Settling settling(settle_);
  for (;;) {
    bool away = false;
    Containers now = engine_.despite_outage(pulse, [&] {
      try {
        if (away) engine_.start(running_of(last), timeout_, pulse);
        return engine_.containers(Engine::Of::services, pulse);
      } catch (const EngineAway&) {
        away = true;
        throw;
      }
    });
    if (away) {
      since = base::BootClock::now();
      settling = Settling(settle_);
    }
    const Condition condition = settling.look(now, base::BootClock::now());
    if (condition == Condition::good) return;
    if (condition == Condition::broken || base::BootClock::now() - since > limit(now)) {
      const std::string why = condition == Condition::broken ? " does not run well: " : " did not come up in time: ";
      throw StepError(StepError::Left::dirty, what + why + describe(now),
                      "look at what the containers say: docker compose -p " + project_ + " logs",
                      describe(now) + "\n" + engine_.evidence(now, pulse));
    }
    // A restart is seen afterwards too: what rests need not be looked at often.
    const bool at_rest =
        std::all_of(now.begin(), now.end(), [](const auto& one) { return condition_of(one) == Condition::good; });
    last = std::move(now);
    base::pause(pulse,
                base::Deadline::in(at_rest ? std::clamp(settle_ / kLooksAtRest, kBetweenLooks, kBetweenLooksAtRest)
                                           : kBetweenLooks));
  }
}

}  // namespace wrktalk::deploy::compose
