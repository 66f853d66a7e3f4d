// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/compose_cause.hpp"

#include <doctest/doctest.h>

using namespace wrktalk::deploy;
using compose::Containers;

TEST_SUITE("deploy::compose cause") {
  TEST_CASE("v1 names what failed, not that something did") {
    CHECK(
        compose::cause("Creating network \"n\" with the default driver\nCreating n_mig_1 ... \r\nCreating n_mig_1 ... "
                       "done\r\n\nERROR: for web  Container \"c787be09bfab\" exited with code 7.\n"
                       "Encountered errors while bringing up the project.\n") ==
        "web: Container \"c787be09bfab\" exited with code 7.");
    CHECK(compose::cause("ERROR: for in_web_1  Cannot start service web: no such program\n\n"
                         "ERROR: for web  Cannot start service web: no such program\n"
                         "Encountered errors while bringing up the project.\n") ==
          "in_web_1: Cannot start service web: no such program");
    CHECK(compose::cause("The Compose file './docker-compose.yml' is invalid because:\nUnsupported config option for "
                         "services.web: 'imagee'\n") ==
          "The Compose file './docker-compose.yml' is invalid because: Unsupported config option for services.web: "
          "'imagee'");
  }

  TEST_CASE("an image is named that cannot be had") {
    CHECK(compose::cause(
              "Pulling web (127.0.0.1:1/shop/web:9)...\nGet \"http://127.0.0.1:1/v2/\": connection refused\n") ==
          "Pulling web (127.0.0.1:1/shop/web:9): Get \"http://127.0.0.1:1/v2/\": connection refused");
  }

  TEST_CASE("what compose quotes of a value is left out") {
    const auto said = compose::cause(
        "Invalid interpolation format for \"command\" option in service \"web\": \"$2y$10$TOPSECRET/klm\"\n");
    CHECK(said.find("TOPSECRET") == std::string::npos);
    CHECK(said.find("\"command\" option in service \"web\"") != std::string::npos);
    const auto v2 = compose::cause(
        "invalid interpolation format for services.web.environment.HASH.\nYou may need to escape any $ with another "
        "$.\n"
        "${TOPSECRET\n");
    CHECK(v2.find("TOPSECRET") == std::string::npos);
    CHECK(v2.find("services.web.environment.HASH") != std::string::npos);
  }

  TEST_CASE("else the last line that says something") {
    CHECK(compose::cause(" Network n  Created\nservice \"mig\" didn't complete successfully: exit 7\n\n") ==
          "service \"mig\" didn't complete successfully: exit 7");
    CHECK(compose::cause("") == "");
  }

  TEST_CASE("containers that failed are told by service") {
    Containers containers(3);
    containers[0].name = "n-mig-1";
    containers[0].service = "mig";
    containers[0].status = "exited";
    containers[0].exit_code = 7;
    containers[1].name = "n-web-1";
    containers[1].service = "web";
    containers[1].status = "created";
    containers[2].name = "n-db-1";
    containers[2].service = "db";
    containers[2].status = "running";
    CHECK(compose::failed_services(containers) == "service mig exited with status 7 (container n-mig-1)");
  }
}
