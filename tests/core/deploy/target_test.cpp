// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/kinds.hpp"

#include <doctest/doctest.h>

using namespace wrktalk;
using namespace wrktalk::deploy;

TEST_SUITE("deploy::Target") {
  TEST_CASE("each kind is read into its parts") {
    const Target kubernetes = parse_target("kubernetes:prod/my-app.v2");
    CHECK(kubernetes.kind == TargetKind::kubernetes);
    CHECK(kubernetes.namespace_ == "prod");
    CHECK(kubernetes.release == "my-app.v2");
    CHECK(parse_target("docker:shop_1").project == "shop_1");
    const Target host = parse_target("host:Node-1.example/blue");
    CHECK(host.agent == "Node-1.example");
    CHECK(host.instance == "blue");
    CHECK(parse_target("host:node").instance.empty());
    CHECK(std::string(chart_type(TargetKind::docker)) == "compose");
  }

  TEST_CASE("the rows of kinds stand where their kinds do") {
    REQUIRE(kind_rows().size() == base::kTargetKinds.size());
    for (const auto& row : base::kTargetKinds) {
      CHECK(row_of(row.kind).kind == row.kind);
      CHECK(base::parse_target_kind(row.name) == row.kind);
      CHECK(base::kind_row(row.kind).kind == row.kind);
    }
  }

  TEST_CASE("what Kubernetes, compose, a file system or an argument list would trip over is refused") {
    for (const char* bad : {"",
                            "host",
                            "host:",
                            "vm:x",
                            "kubernetes:prod",
                            "kubernetes:prod/",
                            "kubernetes:/app",
                            "kubernetes:Prod/app",
                            "kubernetes:prod/-app",
                            "kubernetes:prod/app/x",
                            "kubernetes:prod/a..b",
                            "kubernetes:prod/app-",
                            "docker:Bad Name!",
                            "docker:--help",
                            "docker:a/b",
                            "host:..",
                            "host:a/..",
                            "host:a/b/c",
                            "host:a/",
                            "host:-x",
                            "host:a/releases",
                            "host:a/current",
                            "host:a/current.new",
                            "host:a b"}) {
      CAPTURE(bad);
      CHECK_THROWS_AS(parse_target(bad), base::Error);
    }
  }

  TEST_CASE("versions are safe as path parts, arguments and labels") {
    for (const char* good : {"1", "1.2.3", "v2.0.0-rc.1+build_7"}) CHECK_NOTHROW(check_version(good));
    for (const char* bad : {"", ".", "..", "-1", "1/2", "1 2", "$(id)", "1;2", "\xC3\xA9"}) {
      CAPTURE(bad);
      CHECK_THROWS_AS(check_version(bad), base::Error);
    }
    CHECK_THROWS_AS(check_version(std::string(101, '1')), base::Error);
  }

  TEST_CASE("a failed step's kind follows from what it left, and its evidence holds no secret") {
    CHECK(StepError(StepError::Left::put_back, "x").kind() == base::Kind::put_back);
    CHECK(StepError(StepError::Left::not_put_back, "x").kind() == base::Kind::not_put_back);
    const StepError error(StepError::Left::dirty, "x", "", std::string(100'000, 'x') + "\npassword=hunter2\n");
    CHECK(error.evidence().size() < 33 * 1024);
    CHECK(error.evidence().find("password=***") != std::string::npos);
  }
}
