// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

struct SHA256state_st;

namespace wrktalk::base {

/// A SHA-256 digest that is computed piece by piece.
class Sha256 {
 public:
  Sha256();

  void update(const void* data, std::size_t size);

  /// 64 lower-case hexadecimal digits. Ends the computation: call it once, nothing after it.
  std::string hex();

 private:
  struct Free {
    void operator()(SHA256state_st* state) const noexcept;
  };
  std::unique_ptr<SHA256state_st, Free> state_;
};

/// The digest of a text in one go.
std::string sha256_hex(std::string_view text);

/// HMAC-SHA256 (RFC 2104) of a text, as 64 lower-case hexadecimal digits.
std::string hmac_sha256_hex(std::string_view key, std::string_view text);

}  // namespace wrktalk::base
