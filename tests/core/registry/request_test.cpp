// SPDX-License-Identifier: Apache-2.0
#include "core/registry/request.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace wrktalk::registry;
using Kind = Route::Kind;

namespace {

const std::string kDigest = "sha256:" + std::string(64, 'a');

std::string range(const std::string& header, std::int64_t size) {
  const auto wish = parse_range(header, size);
  if (!wish) return "whole";
  if (!wish->satisfiable) return "416";
  return std::to_string(wish->bytes.from) + ".." + std::to_string(wish->bytes.to);
}

}  // namespace

TEST_SUITE("registry::Route") {
  TEST_CASE("what clients ask for is found") {
    CHECK(parse_path("/v2").kind == Kind::base);
    CHECK(parse_path("/v2/").kind == Kind::base);
    const auto by_tag = parse_path("/v2/shop/api/manifests/1.0");
    CHECK(by_tag.kind == Kind::manifest);
    CHECK(by_tag.repository == "shop/api");
    CHECK(by_tag.tag == "1.0");
    CHECK(by_tag.digest.empty());
    const auto by_digest = parse_path("/v2/api/manifests/" + kDigest);
    CHECK(by_digest.kind == Kind::manifest);
    CHECK(by_digest.digest == kDigest);
    const auto blob = parse_path("/v2/a/b/c/blobs/" + kDigest);
    CHECK(blob.kind == Kind::blob);
    CHECK(blob.repository == "a/b/c");
    CHECK(parse_path("/v2/shop/api/tags/list").kind == Kind::tags);
    CHECK(parse_path("/livez").kind == Kind::livez);
    CHECK(parse_path("/readyz").kind == Kind::readyz);
    CHECK(parse_path("/metrics").kind == Kind::metrics);
  }

  TEST_CASE("a repository may have parts that look like the API's") {
    CHECK(parse_path("/v2/manifests/blobs/tags/list").repository == "manifests/blobs");
    CHECK(parse_path("/v2/tags/list/manifests/v1").repository == "tags/list");
  }

  TEST_CASE("what cannot be a name is malformed") {
    CHECK(parse_path("/v2/Shop/manifests/1").code == "NAME_INVALID");
    CHECK(parse_path("/v2//manifests/1").code == "NAME_INVALID");
    CHECK(parse_path("/v2/../manifests/1").code == "NAME_INVALID");
    CHECK(parse_path("/v2/shop/manifests/" + std::string(300, 't')).code == "TAG_INVALID");
    CHECK(parse_path("/v2/shop/manifests/").code == "TAG_INVALID");
    CHECK(parse_path("/v2/shop/manifests/sha256:12").code == "DIGEST_INVALID");
    CHECK(parse_path("/v2/shop/blobs/latest").code == "DIGEST_INVALID");
    CHECK(parse_path("/v2/shop/blobs/SHA256:" + std::string(64, 'a')).code == "DIGEST_INVALID");
  }

  TEST_CASE("nothing else is here") {
    for (const auto* path : {"", "/", "/v1/", "/v2/_catalog", "/v2/shop/blobs/uploads/", "/v2/shop/referrers/x",
                             "/v2/shop", "/healthz", "/v2/shop/tags/list/"}) {
      CAPTURE(path);
      const auto kind = parse_path(path).kind;
      CHECK((kind == Kind::unknown || kind == Kind::malformed));
    }
  }

  TEST_CASE("a range is read as RFC 9110 has it") {
    CHECK(range("bytes=0-", 10) == "0..10");
    CHECK(range("bytes=4-", 10) == "4..10");
    CHECK(range("bytes=4-6", 10) == "4..7");
    CHECK(range("bytes=4-99", 10) == "4..10");
    CHECK(range("bytes=-3", 10) == "7..10");
    CHECK(range("bytes=-30", 10) == "0..10");
  }

  TEST_CASE("a range beyond the end is refused") {
    CHECK(range("bytes=10-", 10) == "416");
    CHECK(range("bytes=-0", 10) == "416");
    CHECK(range("bytes=0-", 0) == "416");
    CHECK(range("bytes=9223372036854775807-", 10) == "416");
  }

  TEST_CASE("a range that cannot be read asks for the whole") {
    for (const auto* header : {"", "bytes=", "bytes=-", "bytes=a-", "bytes=1-2,4-5", "items=1-2", "bytes=5-4",
                               "bytes=--1", "bytes=+1-", "bytes=99999999999999999999-"}) {
      CAPTURE(header);
      CHECK(range(header, 10) == "whole");
    }
  }

  TEST_CASE("an error is the API's JSON") {
    CHECK(error_body("NAME_UNKNOWN", "no \"such\"\xff") ==
          "{\"errors\":[{\"code\":\"NAME_UNKNOWN\",\"message\":\"no \\\"such\\\"\xEF\xBF\xBD\"}]}\n");
  }
}
