// SPDX-License-Identifier: Apache-2.0
#include "core/images/reference.hpp"

#include "core/base/error.hpp"

#include <doctest/doctest.h>

using namespace wrktalk;
using images::parse_reference;

TEST_SUITE("images::reference") {
  TEST_CASE("names are completed as Docker completes them") {
    CHECK(parse_reference("alpine").name() == "docker.io/library/alpine:latest");
    CHECK(parse_reference("alpine:3").name() == "docker.io/library/alpine:3");
    CHECK(parse_reference("docker.io/alpine:3").name() == "docker.io/library/alpine:3");
    CHECK(parse_reference("index.docker.io/library/alpine:3").name() == "docker.io/library/alpine:3");
    CHECK(parse_reference("shop/web").name() == "docker.io/shop/web:latest");
    CHECK(parse_reference("localhost/web").name() == "localhost/web:latest");
    CHECK(parse_reference("localhost:5000/web").name() == "localhost:5000/web:latest");
    CHECK(parse_reference("registry.example.org/a/b__c/d-e.f:V_1.2-3").name() ==
          "registry.example.org/a/b__c/d-e.f:V_1.2-3");
    CHECK(parse_reference("[::1]:5000/web:1").name() == "[::1]:5000/web:1");
    CHECK(parse_reference("a:" + std::string(128, 't')).tag.size() == 128);
  }

  TEST_CASE("a digest needs no tag, and may have one") {
    const std::string digest = "sha256:" + std::string(64, 'a');
    CHECK(parse_reference("web@" + digest).name().empty());
    CHECK(parse_reference("web@" + digest).digest == digest);
    CHECK(parse_reference("web:1@" + digest).name() == "docker.io/library/web:1");
  }

  TEST_CASE("what is none is refused") {
    for (const std::string& text : {std::string(),
                                    std::string("Web"),
                                    std::string("a b"),
                                    std::string("a:"),
                                    std::string("a:.x"),
                                    std::string("a:b/c:"),
                                    std::string("/a"),
                                    std::string("a//b"),
                                    std::string("a/"),
                                    std::string("-a"),
                                    std::string("a..b"),
                                    std::string("a___b"),
                                    std::string("a@sha256:12"),
                                    std::string("a@../../etc/passwd"),
                                    std::string("../a"),
                                    std::string("a:x\ny"),
                                    "a:" + std::string(129, 't'),
                                    "a:" + std::string(300, 't'),
                                    std::string(256, 'a'),
                                    std::string("a@sha512:") + std::string(128, 'a'),
                                    std::string("ex ample.org/a"),
                                    std::string("example.org:x/a"),
                                    std::string("a\0b", 3)}) {
      CAPTURE(text);
      CHECK_THROWS_WITH_AS(parse_reference(text), doctest::Contains("is no image reference"), base::Error);
    }
  }
}
