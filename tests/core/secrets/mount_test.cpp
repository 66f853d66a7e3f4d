// SPDX-License-Identifier: Apache-2.0
#include "core/secrets/mount.hpp"

#include <doctest/doctest.h>

using wrktalk::secrets::plain_path;

TEST_SUITE("secrets::plain_path") {
  TEST_CASE("slashes at the ends, and doubled ones, are none") {
    for (const char* path : {"kv/a/b", "/kv/a/b", "kv/a/b/", "kv//a///b", " /kv/a/b/ "})
      CHECK(plain_path(path) == "kv/a/b");
    CHECK(plain_path("/") == "");
    CHECK(plain_path("kv/a b") == "kv/a b");
  }
}
