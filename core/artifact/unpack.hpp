// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/artifact/gate.hpp"
#include "core/artifact/source.hpp"
#include "core/base/pulse.hpp"

#include <cstdint>

namespace wrktalk::artifact {

/// Takes what the gate let through, in the archive's order.
class Receiver {
 public:
  virtual ~Receiver() = default;
  virtual void entry(const Entry& entry) = 0;
  /// Bytes of the file that `entry` named last.
  virtual void data(std::string_view bytes) = 0;
};

struct Totals {
  std::uint64_t entries = 0;
  std::uint64_t unpacked_bytes = 0;
};

/// Reads a packed tar archive to its last byte, through the gate, into `receiver`. Memory does not depend on its size.
/// Throws Error(artifact) for what is no whole archive or what the gate refuses; what the source, the receiver and the
/// pulse throw passes through.
Totals unpack(HashedSource& packed, Gate& gate, Receiver& receiver, base::Pulse& pulse);

}  // namespace wrktalk::artifact
