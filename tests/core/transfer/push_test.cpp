// SPDX-License-Identifier: Apache-2.0
#include "core/transfer/push.hpp"

#include "core/base/error.hpp"
#include "core/images/manifest.hpp"

#include <doctest/doctest.h>

using namespace wrktalk;
using namespace wrktalk::transfer;

namespace {

const std::string kOne = "sha256:" + std::string(64, '1');
const std::string kTwo = "sha256:" + std::string(64, '2');

images::Image image(const std::string& reference, const std::string& digest = kOne) {
  return {reference, digest, images::kOciManifest, {"linux/amd64"}, 1};
}

std::string goes_to(const std::string& reference, const std::string& place) {
  return target_of(image(reference), parse_destination(place)).text();
}

}  // namespace

TEST_SUITE("transfer::push") {
  TEST_CASE("an image keeps its path, without its registry") {
    CHECK(goes_to("registry.example.com/shop/api:1", "site.example") == "site.example/shop/api:1");
    CHECK(goes_to("registry.example.com:5000/shop/api:1@" + kOne, "10.0.0.5:5000/a/b/") ==
          "10.0.0.5:5000/a/b/shop/api:1");
    CHECK(goes_to("nginx", "docker://localhost:5000") == "localhost:5000/library/nginx:latest");
    CHECK(goes_to("web@" + kOne, "[::1]:5000") == "[::1]:5000/library/web@" + kOne);
  }

  TEST_CASE("what names no registry is refused") {
    for (const char* text : {"", "shop", "shop/api", "https://site.example", "site.example/Shop", "site.example/a@b",
                             "site.example/a b"}) {
      CAPTURE(text);
      CHECK_THROWS_AS(parse_destination(text), base::Error);
    }
  }

  TEST_CASE("two images get one name only when they are the same") {
    const auto site = parse_destination("site.example");
    CHECK_NOTHROW(need_names({{image("a.io/x:1"), {}, true}, {image("b.io/x:1"), {}, true}}, site));
    CHECK_THROWS_WITH_AS(need_names({{image("a.io/x:1"), {}, true}, {image("b.io/x:1", kTwo), {}, true}}, site),
                         "a.io/x:1 and b.io/x:1 would both be site.example/x:1", base::Error);
  }

  TEST_CASE("an index is whole when all that it names is stored, attestations too") {
    auto index = image("x.io/a:1");
    index.media_type = images::kOciIndex;
    const std::string text =
        R"({"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","size":1,"digest":")" +
        kOne + R"("},{"mediaType":"application/vnd.oci.image.manifest.v1+json","size":1,"digest":")" + kTwo + R"("}]})";
    const auto part = outgoing(index, text, {{kTwo, images::kOciManifest, 1}});
    CHECK_FALSE(part.is_whole);
    CHECK(part.manifests == std::vector<std::string>{kTwo});
    CHECK(outgoing(index, text, {{kOne, "", 1}, {kTwo, "", 1}}).is_whole);
    CHECK(outgoing(image("x.io/a:1"), "", {}).is_whole);
  }

  TEST_CASE("what skopeo says is taken out of its log line") {
    exec::Outcome outcome;
    outcome.err =
        "time=\"2026-01-31T00:00:00Z\" level=warning msg=\"first\"\ntime=\"2026-01-31T00:00:00Z\" level=fatal "
        "msg=\"reading \\\"x\\\": manifest unknown\"\n";
    CHECK(reason(outcome) == "reading \"x\": manifest unknown");
    outcome.err = "plain words\n";
    CHECK(reason(outcome) == "plain words");
  }

  TEST_CASE("registries on this machine need no TLS") {
    CHECK(is_local_registry("127.0.0.1:5000/shop"));
    CHECK(is_local_registry("localhost/shop"));
    CHECK(is_local_registry("[::1]:5000/shop"));
    CHECK_FALSE(is_local_registry("10.0.0.5:5000/shop"));
    CHECK_FALSE(is_local_registry("localhost.example.com/shop"));
  }
}
