// SPDX-License-Identifier: Apache-2.0
#include "core/notify/webhook.hpp"

#include "core/base/sha256.hpp"

#include <doctest/doctest.h>

using namespace wrktalk;

namespace {

std::string header(const http::Request& request, const std::string& name) {
  for (const auto& [key, value] : request.headers) {
    if (key == name) return value;
  }
  return "";
}

}  // namespace

TEST_SUITE("notify::webhook_request") {
  TEST_CASE("the signature is over the time and the body, and the id is the same when it is sent again") {
    notify::Settings settings;
    settings.webhook_url = base::Secret("https://hooks.example.org/x");
    settings.webhook_secret = base::Secret("key");
    const auto sent = [&](int seconds) {
      return notify::webhook_request(settings, "id-1", "task.completed", "{}",
                                     std::chrono::system_clock::time_point(std::chrono::seconds(seconds)));
    };
    const auto first = sent(1'700'000'000);
    CHECK(header(first, "X-WrkTalk-Delivery") == "id-1");
    CHECK(header(first, "X-WrkTalk-Timestamp") == "1700000000");
    CHECK(header(first, "X-WrkTalk-Signature-256") ==
          "sha256=" + base::hmac_sha256_hex("key", "1700000000." + first.body));
    const auto again = sent(1'700'000'060);
    CHECK(header(again, "X-WrkTalk-Delivery") == "id-1");
    CHECK(again.body == first.body);
    CHECK(header(again, "X-WrkTalk-Signature-256") != header(first, "X-WrkTalk-Signature-256"));
  }

  TEST_CASE("without a key it is not signed") {
    notify::Settings settings;
    settings.webhook_url = base::Secret("https://hooks.example.org/x");
    const auto request = notify::webhook_request(settings, "id-1", "test", "{}", {});
    CHECK(header(request, "X-WrkTalk-Signature-256").empty());
    CHECK(header(request, "X-WrkTalk-Timestamp") == "0");
  }

  TEST_CASE("hosts that may be reached by http:// are handed on") {
    notify::Settings settings;
    settings.plain_hosts = {"hooks.lan"};
    CHECK(notify::webhook_options(settings).plain_hosts == std::vector<std::string>{"hooks.lan"});
  }
}
