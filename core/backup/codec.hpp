// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string_view>

namespace wrktalk::backup {

/// Called with bytes as they come out of something; the view is valid during the call.
using Sink = std::function<void(std::string_view bytes)>;

enum class Packing { none, gzip, zstd };

/// Packs or unpacks what is pushed through it.
class Codec {
 public:
  virtual ~Codec() = default;
  virtual void write(std::string_view bytes) = 0;
  /// Everything was written: gives out what is still held back. Once.
  virtual void end() = 0;
};

/// gzip at the speed of ISA-L's first level, zstd at level 3 with a checksum in the frame.
std::unique_ptr<Codec> packer(Packing packing, Sink out);

/// Members or frames that follow each other are read as one. Throws Error(difference) for what is damaged, cut short, or
/// followed by anything else.
std::unique_ptr<Codec> unpacker(Packing packing, Sink out);

}  // namespace wrktalk::backup
