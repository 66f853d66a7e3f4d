// SPDX-License-Identifier: Apache-2.0
#include "core/base/base64.hpp"

#include <doctest/doctest.h>

using wrktalk::base::base64;

TEST_SUITE("base::base64") {
  TEST_CASE("the texts are those of RFC 4648, section 10") {
    CHECK(base64("").empty());
    CHECK(base64("f") == "Zg==");
    CHECK(base64("fo") == "Zm8=");
    CHECK(base64("foobar") == "Zm9vYmFy");
    CHECK(base64(std::string_view("\0\xFF", 2)) == "AP8=");
  }
}
