// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/observe/family.hpp"
#include "core/observe/status.hpp"

#include <cstddef>

/// The functions of wrktalk-exposition-VERSION.so, a module of its own because prometheus-cpp needs the shared C++ runtime, which the
/// program does without (docs/adr/0009). No exception and no memory passes from one side to the other.
namespace wrktalk::observe {

/// Does not throw.
using Write = void (*)(void* to, const char* text, std::size_t size);

/// Gives `write` Prometheus' text of `status`, whole; without memory for it, nothing.
extern "C" void wrktalk_exposition(const Status& status, base::BootClock::time_point now, Write write,
                                   void* to) noexcept;
/// The same of these.
extern "C" void wrktalk_exposition_of(const std::vector<Family>& families, Write write, void* to) noexcept;

}  // namespace wrktalk::observe
