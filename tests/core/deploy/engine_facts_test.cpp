// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/engine_facts.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace wrktalk::deploy;

namespace {

EngineFacts facts(const std::string& version, const std::string& status) {
  return engine_facts_of("linux/amd64\n",
                         R"({"version":")" + version + R"(","root":"/var/lib/docker","status":)" + status + "}");
}

constexpr const char* kOverlay = R"([["Backing Filesystem","extfs"]])";
constexpr const char* kContainerd = R"([["driver-type","io.containerd.snapshotter.v1"]])";

}  // namespace

TEST_CASE("which engines take layers packed by zstd") {
  CHECK_FALSE(facts("20.10.24+dfsg1", kOverlay).knows_zstd);
  CHECK(facts("26.1.5", kOverlay).knows_zstd);
  CHECK(facts("29.0.0", kContainerd).knows_zstd);
  CHECK(facts("24.0.1", kContainerd).knows_zstd);
  CHECK(facts("", "null").knows_zstd);
  CHECK(facts("26.1.5", kOverlay).root == "/var/lib/docker");
  CHECK(facts("26.1.5", kOverlay).platform == "linux/amd64");
  CHECK(engine_facts_of("linux/arm64", "no JSON").root.empty());
}

TEST_CASE("layers are present from the base up, in one image of the engine") {
  const std::vector<std::string> wanted = {"a", "b", "c"};
  CHECK(present_layers(wanted, {}) == 0);
  CHECK(present_layers(wanted, {{"a"}, {"a", "b"}, {"b", "c"}}) == 2);
  CHECK(present_layers(wanted, {{"b", "a", "c"}}) == 0);
  CHECK(present_layers(wanted, {{"a", "b", "c", "d"}}) == 3);
}

TEST_CASE("free space is told of folders of this machine alone") {
  CHECK(free_bytes("/tmp").value_or(0) > 0);
  CHECK_FALSE(free_bytes("").has_value());
  CHECK_FALSE(free_bytes("/no/such/folder").has_value());
}
