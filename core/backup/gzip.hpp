// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/backup/codec.hpp"

#include <isa-l/igzip_lib.h>

#include <cstdint>
#include <memory>
#include <vector>

namespace wrktalk::backup {

/// One gzip member.
class Gzip : public Codec {
 public:
  explicit Gzip(Sink out);
  void write(std::string_view bytes) override;
  void end() override;

 private:
  void pump();

  Sink out_;
  std::unique_ptr<isal_zstream> stream_;
  std::vector<std::uint8_t> work_;
  std::vector<std::uint8_t> buffer_;
};

class Gunzip : public Codec {
 public:
  explicit Gunzip(Sink out);
  void write(std::string_view bytes) override;
  void end() override;

 private:
  Sink out_;
  std::unique_ptr<inflate_state> state_;
  std::vector<std::uint8_t> buffer_;
  bool in_member_ = false;
};

}  // namespace wrktalk::backup
