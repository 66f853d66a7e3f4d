// SPDX-License-Identifier: Apache-2.0
#include "core/base/sha256.hpp"

#include <doctest/doctest.h>

using namespace wrktalk::base;

TEST_SUITE("base::Sha256") {
  TEST_CASE("the digests are those of FIPS 180-4") {
    CHECK(sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  }

  TEST_CASE("pieces give the digest of the whole") {
    Sha256 hash;
    hash.update("a", 1);
    hash.update("", 0);
    hash.update("bc", 2);
    CHECK(hash.hex() == sha256_hex("abc"));
  }
}

TEST_SUITE("base::hmac_sha256_hex") {
  TEST_CASE("the code is that of RFC 4231, case 2") {
    CHECK(hmac_sha256_hex("Jefe", "what do ya want for nothing?") ==
          "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  }
}
