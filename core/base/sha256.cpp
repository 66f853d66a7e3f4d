// SPDX-License-Identifier: Apache-2.0
#include "core/base/sha256.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <openssl/evp.h>

#include <array>

namespace wrktalk::base {
namespace {

void check(int result) {
  if (result != 1) throw Error(Kind::failed, "OpenSSL could not compute a SHA-256 digest");
}

}  // namespace

void Sha256::Free::operator()(evp_md_ctx_st* context) const noexcept { ::EVP_MD_CTX_free(context); }

Sha256::Sha256() : context_(::EVP_MD_CTX_new()) {
  check(context_ ? ::EVP_DigestInit_ex(context_.get(), ::EVP_sha256(), nullptr) : 0);
}

void Sha256::update(const void* data, std::size_t size) { check(::EVP_DigestUpdate(context_.get(), data, size)); }

std::string Sha256::hex() {
  std::array<unsigned char, 32> digest{};
  check(::EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr));
  return to_hex(digest.data(), digest.size());
}

std::string sha256_hex(std::string_view text) {
  Sha256 hash;
  hash.update(text.data(), text.size());
  return hash.hex();
}

}  // namespace wrktalk::base
