// SPDX-License-Identifier: Apache-2.0
#include "core/base/base64.hpp"

#include <openssl/evp.h>

namespace wrktalk::base {

std::string base64(std::string_view bytes) {
  // OpenSSL ends what it writes with a NUL.
  std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int size =
      ::EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                        reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(size));
  return out;
}

}  // namespace wrktalk::base
