// SPDX-License-Identifier: Apache-2.0
#include "core/observe/metrics.hpp"

#include "core/base/shared_library.hpp"

#include <new>

namespace wrktalk::observe {
namespace {

void append(void* to, const char* text, std::size_t size) noexcept {
  try {
    static_cast<std::string*>(to)->append(text, size);
  } catch (const std::exception&) {
    // No memory: nothing was written, which `text` sees.
  }
}

}  // namespace

Metrics::Metrics() {
  const base::SharedLibrary library("wrktalk-exposition-" WRKTALK_VERSION ".so",
                                    "it lies beside the program or in lib/wrktalk, and needs the package "
                                    "libprometheus-cpp-core; the agent works without --http");
  library.find("wrktalk_exposition", exposition_);
  library.find("wrktalk_exposition_of", exposition_of_);
}

std::string Metrics::text(const Status& status, base::BootClock::time_point now) const {
  std::string text;
  exposition_(status, now, append, &text);
  if (text.empty()) throw std::bad_alloc();
  return text;
}

std::string Metrics::text(const std::vector<Family>& families) const {
  std::string text;
  exposition_of_(families, append, &text);
  if (text.empty()) throw std::bad_alloc();
  return text;
}

}  // namespace wrktalk::observe
