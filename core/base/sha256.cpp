// SPDX-License-Identifier: Apache-2.0
#include "core/base/sha256.hpp"

#include "core/base/text.hpp"

// The plain functions: EVP would load providers, 2 MB that stay resident, for the same code.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <array>

namespace wrktalk::base {

void Sha256::Free::operator()(SHA256state_st* state) const noexcept { std::default_delete<SHA256state_st>()(state); }

Sha256::Sha256() : state_(new SHA256_CTX) { ::SHA256_Init(state_.get()); }

void Sha256::update(const void* data, std::size_t size) { ::SHA256_Update(state_.get(), data, size); }

std::string Sha256::hex() {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  ::SHA256_Final(digest.data(), state_.get());
  return to_hex(digest.data(), digest.size());
}

std::string sha256_hex(std::string_view text) {
  Sha256 hash;
  hash.update(text.data(), text.size());
  return hash.hex();
}

std::string hmac_sha256_hex(std::string_view key, std::string_view text) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  unsigned int size = 0;
  ::HMAC(::EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()),
         text.size(), digest.data(), &size);
  return to_hex(digest.data(), size);
}

}  // namespace wrktalk::base
