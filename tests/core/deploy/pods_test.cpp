// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/pods.hpp"

#include <doctest/doctest.h>

using wrktalk::deploy::pods::unwell;

TEST_SUITE("pods") {
  TEST_CASE("a pod that runs, and one whose Job is done, have nothing to say") {
    CHECK(unwell("web-1\t{\"phase\":\"Running\",\"containerStatuses\":[{\"name\":\"web\",\"ready\":true,"
                 "\"restartCount\":0,\"state\":{\"running\":{}}}]}\n"
                 "job-1\t{\"phase\":\"Succeeded\",\"containerStatuses\":[{\"name\":\"job\",\"ready\":false,"
                 "\"state\":{\"terminated\":{\"exitCode\":0}}}]}\n")
              .empty());
  }

  TEST_CASE(
      "an image that cannot be pulled is told with the kubelet's words, and there are no lines of it to ask for") {
    const auto pods = unwell(
        "web-1\t{\"phase\":\"Pending\",\"containerStatuses\":[{\"name\":\"web\",\"ready\":false,\"restartCount\":0,"
        "\"state\":{\"waiting\":{\"reason\":\"ImagePullBackOff\",\"message\":\"Back-off pulling image "
        "\\\"web:2\\\"\"}}}]}\n");
    REQUIRE(pods.size() == 1);
    CHECK(pods[0].story == "web-1 is Pending: web is waiting (ImagePullBackOff: Back-off pulling image \"web:2\")");
    CHECK(pods[0].containers.empty());
  }

  TEST_CASE("a crash loop is told with its last end, and its last words are those of the run before") {
    const auto pods = unwell(
        "web-1\t{\"phase\":\"Running\",\"containerStatuses\":[{\"name\":\"web\",\"ready\":false,\"restartCount\":4,"
        "\"state\":{\"waiting\":{\"reason\":\"CrashLoopBackOff\"}},"
        "\"lastState\":{\"terminated\":{\"exitCode\":137,\"reason\":\"OOMKilled\"}}}]}\n");
    REQUIRE(pods.size() == 1);
    CHECK(pods[0].story ==
          "web-1 is Running: web is waiting (CrashLoopBackOff), 4 restarts, before that it ended with status 137 "
          "(OOMKilled)");
    REQUIRE(pods[0].containers.size() == 1);
    CHECK(pods[0].containers[0].name == "web");
    CHECK(pods[0].containers[0].previous);
  }

  TEST_CASE("a pod that finds no node tells the scheduler's reason") {
    const auto pods = unwell(
        "web-1\t{\"phase\":\"Pending\",\"conditions\":[{\"type\":\"PodScheduled\",\"status\":\"False\","
        "\"reason\":\"Unschedulable\",\"message\":\"0/1 nodes are available: 1 Insufficient memory.\"}]}\n");
    REQUIRE(pods.size() == 1);
    CHECK(pods[0].story ==
          "web-1 is Pending: PodScheduled is False (Unschedulable: 0/1 nodes are available: 1 Insufficient memory.)");
  }

  TEST_CASE("what is no status is passed over") {
    CHECK(unwell("Error from server\nweb\t[1]\nweb\tnot json\nweb\t{\"phase\":3}\n\n").empty());
  }
}
