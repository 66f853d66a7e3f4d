// SPDX-License-Identifier: Apache-2.0
#include "core/maintenance/haproxy_text.hpp"

#include <doctest/doctest.h>

using namespace wrktalk::maintenance;

namespace {

constexpr const char* kServers =
    "1\n"
    "# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight\n"
    "3 app 1 one 127.0.0.1 2 1 1\n"
    "3 app 2 two 127.0.0.1 2 0 1\n"
    "3 app 3 three 127.0.0.1 2 4 1\n";

}  // namespace

TEST_SUITE("haproxy's text") {
  TEST_CASE("a map's value is found by its whole key") {
    const std::string answer = "0x55f0 application on\n0x55f8 app off\n";
    CHECK(map_value(answer, "app") == "off");
    CHECK(map_value(answer, "application") == "on");
    CHECK_FALSE(map_value(answer, "ap"));
    CHECK_FALSE(map_value("", "app"));
  }

  TEST_CASE("a line of `show info` is found by its name") {
    CHECK(info_value("Name: HAProxy\nPid: 7\nnode: lb1\n", "node") == "lb1");
    CHECK_FALSE(info_value("Name: HAProxy\nbad node: lb1\n", "node"));
  }

  TEST_CASE("only maintenance that was asked for counts, not that of the configuration") {
    CHECK(in_forced_maintenance(kServers, "one") == true);
    CHECK(in_forced_maintenance(kServers, "two") == false);
    CHECK(in_forced_maintenance(kServers, "three") == false);
    CHECK_FALSE(in_forced_maintenance(kServers, "four"));
    CHECK_FALSE(in_forced_maintenance("Can't find backend.", "one"));
  }

  TEST_CASE("the map file keeps what is not ours") {
    CHECK(with_map_value("# comment\nother on\n  app\toff\n", "app", "on") == "# comment\nother on\napp on\n");
    CHECK(with_map_value("application on\n", "app", "on") == "application on\napp on\n");
    CHECK(with_map_value("", "app", "off") == "app off\n");
    CHECK(with_map_value("app on", "app", "on") == "app on\n");
  }
}
