// SPDX-License-Identifier: Apache-2.0
#include "core/artifact/names.hpp"

#include <random>
#include <utility>

namespace wrktalk::artifact {
namespace {

constexpr std::uint64_t kKindBits = 3;
constexpr std::size_t kFirstSlots = 1024;

/// MurmurHash3's finalizer: spreads every bit of FNV's result.
std::uint64_t mixed(std::uint64_t hash) {
  hash = (hash ^ hash >> 33) * 0xFF51AFD7ED558CCD;
  hash = (hash ^ hash >> 33) * 0xC4CEB9FE1A85EC53;
  return hash ^ hash >> 33;
}

std::uint64_t random_seed() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

}  // namespace

Names::Names() : slots_(kFirstSlots), seed_(random_seed()) {}

std::uint64_t& Names::slot(std::uint64_t hash) {
  std::size_t i = hash >> 2 & (slots_.size() - 1);
  while (slots_[i] != 0 && (slots_[i] & ~kKindBits) != (hash & ~kKindBits)) i = (i + 1) & (slots_.size() - 1);
  return slots_[i];
}

void Names::set(std::uint64_t hash, Kind kind) {
  std::uint64_t& found = slot(hash);
  if (found == 0 && ++used_ * 8 > slots_.size() * 7) {
    const auto old = std::exchange(slots_, std::vector<std::uint64_t>(slots_.size() * 2));
    for (const std::uint64_t value : old) {
      if (value != 0) slot(value) = value;
    }
    slot(hash) = (hash & ~kKindBits) | kind;
    return;
  }
  found = (hash & ~kKindBits) | kind;
}

bool Names::add(std::string_view path, bool is_folder) {
  std::uint64_t running = seed_;
  for (const char c : path) {
    if (c == '/') {
      const std::uint64_t above = mixed(running);
      const auto kind = slot(above) & kKindBits;
      if (kind == leaf) return false;
      if (kind == none) set(above, implied_folder);
    }
    running = (running ^ static_cast<unsigned char>(c)) * 0x100000001B3;
  }
  const std::uint64_t hash = mixed(running);
  const auto kind = slot(hash) & kKindBits;
  if (kind != none && !(is_folder && kind == implied_folder)) return false;
  set(hash, is_folder ? folder : leaf);
  return true;
}

}  // namespace wrktalk::artifact
