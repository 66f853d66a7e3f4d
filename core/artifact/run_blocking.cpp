// SPDX-License-Identifier: Apache-2.0
#include "core/artifact/run_blocking.hpp"

#include <chrono>
#include <exception>
#include <future>

namespace wrktalk::artifact {

void run_blocking(base::Pulse& pulse, const std::function<void()>& work) {
  constexpr auto kBetweenTicks = std::chrono::milliseconds(50);
  auto done = std::async(std::launch::async, work);
  std::exception_ptr ended;
  while (done.wait_for(kBetweenTicks) != std::future_status::ready) {
    try {
      pulse.tick();
    } catch (...) {
      if (!ended) ended = std::current_exception();
    }
  }
  done.get();
  if (ended) std::rethrow_exception(ended);
}

}  // namespace wrktalk::artifact
