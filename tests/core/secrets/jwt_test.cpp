// SPDX-License-Identifier: Apache-2.0
#include "core/secrets/jwt.hpp"

#include <doctest/doctest.h>

using wrktalk::secrets::describe_jwt;

namespace {

const std::chrono::system_clock::time_point kNow{std::chrono::seconds(1'800'000'000)};

}  // namespace

TEST_SUITE("secrets::describe_jwt") {
  TEST_CASE("subject, audience and the end of its time are told, from real Kubernetes' form of a token") {
    // {"aud":["vault"],"exp":1799999800,"sub":"system:serviceaccount:shop:agent"}
    const char* claims =
        "eyJhdWQiOlsidmF1bHQiXSwiZXhwIjoxNzk5OTk5ODAwLCJzdWIiOiJzeXN0ZW06c2VydmljZWFjY291bnQ6c2hvcDphZ2VudCJ9";
    CHECK(describe_jwt(std::string("eyJ9.") + claims + ".c2ln", kNow) ==
          "system:serviceaccount:shop:agent, audience vault, expired 3 min 20 s ago");
    CHECK(describe_jwt(std::string("eyJ9.") + claims + ".c2ln", kNow - std::chrono::hours(1)) ==
          "system:serviceaccount:shop:agent, audience vault");
  }

  TEST_CASE("what is no token is called none") {
    for (const char* text : {"", "x", "a.b.c", "..", "a.W10.c"}) {
      CAPTURE(text);
      CHECK(describe_jwt(text, kNow) == "no JWT");
    }
    // {"exp":"x"}
    CHECK(describe_jwt("a.eyJleHAiOiJ4In0.c", kNow) == "a JWT without a subject");
  }
}
