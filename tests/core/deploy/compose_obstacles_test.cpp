// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/compose_obstacles.hpp"

#include <doctest/doctest.h>

using namespace wrktalk::deploy::compose;
namespace yaml = wrktalk::yaml;

TEST_SUITE("deploy::compose obstacles") {
  TEST_CASE("what a release wants to have on the engine") {
    const auto documents = yaml::read(
        "volumes:\n  data: {driver_opts: {type: nfs, o: addr=x}}\n  plain: {}\n  old: {external: true, driver: x}\n"
        "  named: {name: other, driver: local}\n"
        "services:\n  web:\n    container_name: shop-web\n    ports:\n      - 127.0.0.1:8080:80/tcp\n      - "
        "53:53/udp\n"
        "      - '9000'\n      - {target: 80, published: \"8443\", protocol: tcp}\n",
        "x");
    const Claims claims = claims_of(documents.front().root(), "shop");
    REQUIRE(claims.volumes.size() == 2);
    CHECK(claims.volumes[0].name == "shop_data");
    CHECK(claims.volumes[0].options.at("o") == "addr=x");
    CHECK(claims.volumes[1].name == "other");
    CHECK(claims.names == std::vector<std::string>{"shop-web"});
    CHECK(claims.ports == std::vector<std::string>{"8080/tcp", "53/udp", "8443/tcp"});
  }

  TEST_CASE("a volume that is there keeps what it was made with: what differs is told by name, never by value") {
    const Claims claims{{{"shop_data", "", {{"o", "addr=x,password=TOPSECRET"}}}}, {}, {}};
    const auto said = [&](const char* there) { return conflicts(claims, "shop", there, ""); };
    CHECK(said("").empty());
    CHECK(said(R"({"Name":"shop_data","Driver":"local","Options":{"o":"addr=x,password=TOPSECRET"}})").empty());
    CHECK(said(R"({"Name":"another","Driver":"local","Options":null})").empty());
    const auto found = said(R"({"Name":"shop_data","Driver":"local","Options":{"o":"addr=y","type":"nfs"}})");
    REQUIRE(found.size() == 1);
    CHECK(found[0].find("the volume shop_data is there, and differs from what the release says: o, type;") == 0);
    CHECK(found[0].find("TOPSECRET") == std::string::npos);
    CHECK(said(R"({"Name":"shop_data","Driver":"local","Options":null})").size() == 1);
    const Claims driver{{{"shop_data", "rexray", {}}}, {}, {}};
    CHECK(conflicts(driver, "shop", R"({"Name":"shop_data","Driver":"local","Options":null})", "").size() == 1);
  }

  TEST_CASE("names and ports that others have") {
    const Claims claims{{}, {"db"}, {"8080/tcp", "53/udp"}};
    const char* others =
        "db\tother\t\nweb\t\t0.0.0.0:8080->80/tcp, :::8080->80/tcp\nmine\tshop\t0.0.0.0:53->53/udp\n"
        "dns\tx\t0.0.0.0:53->53/tcp\n";
    const auto found = conflicts(claims, "shop", "", others);
    REQUIRE(found.size() == 2);
    CHECK(found[0] == "the container name db is taken by the container db of project other");
    CHECK(found[1] == "the port 8080/tcp is taken by the container web");
  }
}
