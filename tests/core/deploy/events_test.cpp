// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/events.hpp"

#include <doctest/doctest.h>

using namespace wrktalk::deploy;

TEST_SUITE("deploy::events") {
  TEST_CASE("warnings since a time, the newest last, one of each kind") {
    const std::string lines =
        R"({"type":"Warning","reason":"FailedCreate","message":"pods \"w\" is forbidden: exceeded quota: q","count":7,)"
        R"("lastTimestamp":"2026-01-31T12:00:05Z","involvedObject":{"kind":"ReplicaSet","name":"web-5c76"}})"
        "\n"
        R"({"type":"Warning","reason":"FailedCreate","message":"an older one","count":6,)"
        R"("lastTimestamp":"2026-01-31T12:00:04Z","involvedObject":{"kind":"ReplicaSet","name":"web-5c76"}})"
        "\n"
        R"({"type":"Warning","reason":"FailedScheduling","message":"0/1 nodes\nare available","lastTimestamp":null,)"
        R"("eventTime":"2026-01-31T12:00:09.123456Z","involvedObject":{"kind":"Pod","name":"web-1"}})"
        "\n"
        R"({"type":"Warning","reason":"Old","message":"of yesterday","lastTimestamp":"2026-01-30T12:00:00Z",)"
        R"("involvedObject":{"kind":"Pod","name":"other"}})"
        "\n"
        R"({"type":"Normal","reason":"Pulled","message":"fine","lastTimestamp":"2026-01-31T12:00:05Z"})"
        "\nno event\n{}\n[]\n";
    const auto found = events::warnings(lines, "2026-01-31T12:00:00");
    REQUIRE(found.size() == 2);
    CHECK(found[0] == "FailedCreate of ReplicaSet web-5c76 (7 times): pods \"w\" is forbidden: exceeded quota: q");
    CHECK(found[1] == "FailedScheduling of Pod web-1: 0/1 nodes are available");
  }

  TEST_CASE("an event that goes on counts by when it was last seen") {
    const auto found = events::warnings(
        R"({"type":"Warning","reason":"BackOff","message":"m","eventTime":"2026-01-30T00:00:00.000000Z",)"
        R"("series":{"count":9,"lastObservedTime":"2026-01-31T12:00:01.000000Z"},"involvedObject":{"kind":"Pod","name":"w"}})",
        "2026-01-31T12:00:00");
    REQUIRE(found.size() == 1);
    CHECK(found[0] == "BackOff of Pod w (9 times): m");
  }
}
