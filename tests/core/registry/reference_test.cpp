// SPDX-License-Identifier: Apache-2.0
#include "core/registry/reference.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace wrktalk::registry;

namespace {

const std::string kDigest = "sha256:" + std::string(64, 'a');

/// HOST REPOSITORY TAG DIGEST, a dash for what is empty.
std::string parts(const std::string& text) {
  const auto found = parse_reference(text);
  if (!found) return "none";
  const auto shown = [](const std::string& part) { return part.empty() ? std::string("-") : part; };
  return found->host + " " + found->repository + " " + shown(found->tag) + " " + shown(found->digest);
}

bool meant(const std::string& image, const std::string& repository, const std::string& host = "") {
  const auto reference = parse_reference(image);
  REQUIRE(reference);
  return is_meant(*reference, repository, host);
}

}  // namespace

TEST_SUITE("registry::Reference") {
  TEST_CASE("Docker's defaults are filled in") {
    CHECK(parts("nginx") == "docker.io library/nginx latest -");
    CHECK(parts("nginx:1.25") == "docker.io library/nginx 1.25 -");
    CHECK(parts("docker.io/nginx") == "docker.io library/nginx latest -");
    CHECK(parts("index.docker.io/library/nginx") == "docker.io library/nginx latest -");
    CHECK(parts("shop/api") == "docker.io shop/api latest -");
  }

  TEST_CASE("a host is told from a repository as Docker does it") {
    CHECK(parts("registry.example.com/shop/api:1.0") == "registry.example.com shop/api 1.0 -");
    CHECK(parts("registry:5000/api") == "registry:5000 api latest -");
    CHECK(parts("localhost/api") == "localhost api latest -");
    CHECK(parts("[::1]:5000/api:2") == "[::1]:5000 api 2 -");
    CHECK(parts("registry.example.com/nginx") == "registry.example.com nginx latest -");
  }

  TEST_CASE("a digest stands alone or beside a tag") {
    CHECK(parts("shop/api@" + kDigest) == "docker.io shop/api - " + kDigest);
    CHECK(parts("r.example.com/api:1@" + kDigest) == "r.example.com api 1 " + kDigest);
  }

  TEST_CASE("what is no reference is none") {
    for (const auto& text : {std::string(), std::string("Shop"), std::string("shop/Api"), std::string("shop//api"),
                             std::string("/shop"), std::string("shop/"), std::string("a:"), std::string("a:b c"),
                             std::string("a@sha256:12"), std::string("a@md5:1"), std::string("a..b"),
                             std::string("a___b"), "a:" + std::string(129, 't'), std::string(256, 'a')}) {
      CAPTURE(text);
      CHECK(parts(text) == "none");
    }
    CHECK(parts("a__b/c--d.e:" + std::string(128, 't')) != "none");
  }

  TEST_CASE("ns names the host that is meant") {
    CHECK(meant("registry.example.com/shop/api:1", "shop/api", "registry.example.com"));
    CHECK_FALSE(meant("registry.example.com/shop/api:1", "shop/api", "other.example.com"));
    CHECK_FALSE(meant("registry.example.com/shop/api:1", "api", "registry.example.com"));
    CHECK(meant("nginx", "library/nginx", "docker.io"));
    CHECK(meant("nginx", "library/nginx", "registry-1.docker.io"));
  }

  TEST_CASE("without ns any host is meant, or the one in front of the repository") {
    CHECK(meant("registry.example.com/shop/api:1", "shop/api"));
    CHECK(meant("registry.example.com/shop/api:1", "registry.example.com/shop/api"));
    CHECK_FALSE(meant("registry.example.com/shop/api:1", "other.example.com/shop/api"));
    CHECK(meant("nginx", "nginx"));
    CHECK(meant("nginx", "library/nginx"));
    CHECK(meant("nginx", "docker.io/library/nginx"));
    CHECK_FALSE(meant("registry.example.com/library/nginx", "nginx"));
  }
}
