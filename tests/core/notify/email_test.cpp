// SPDX-License-Identifier: Apache-2.0
#include "core/notify/email.hpp"

#include <doctest/doctest.h>

using namespace wrktalk::notify;

namespace {

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_SUITE("notify::compose") {
  TEST_CASE("subjects are those that users know") {
    const auto subject = [](const char* event) { return compose(sample(event)).subject; };
    CHECK(subject("deploy.completed") == "✅ Deployment Successful - 2.4.0");
    CHECK(subject("deploy.failed") == "❌ Deployment Failed - 2.4.0");
    CHECK(subject("rollback.completed") == "🔄 Rollback Successful - 2.4.0");
    CHECK(subject("rollback.failed") == "⚠️ Rollback Failed - 2.4.0");
    CHECK(subject("agent.silent") == "🔇 Agent Silent - site-1");
  }

  TEST_CASE("every message says something, in text and in HTML") {
    for (const auto& event : events()) {
      CAPTURE(event);
      const EmailContent email = compose(sample(event));
      CHECK(email.text.size() > 60);
      CHECK(has(email.html, "</html>"));
    }
  }

  TEST_CASE("a failure names what failed, what is left, and what to do") {
    const EmailContent email = compose(sample("deploy.failed"));
    for (const std::string& body : {email.text, email.html}) {
      CHECK(has(body, "ImagePullBackOff"));
      CHECK(has(body, "put back"));
      CHECK(has(body, "wrktalk task show 0b7c5a52"));
      CHECK(has(body, "wrktalk task retry 0b7c5a52"));
      CHECK(has(body, "1 min 44 s"));
    }
  }

  TEST_CASE("a target that could not be put back calls for hands") {
    Notification notification = sample("deploy.failed");
    notification.state = "not_put_back";
    CHECK(has(compose(notification).text, "Manual intervention is required"));
    CHECK(has(compose(notification).text, "wrktalk rollback"));
  }

  TEST_CASE("markup in what is told is text") {
    Notification notification = sample("deploy.failed");
    notification.note = "<img src=x onerror=alert(1)>";
    notification.evidence = "</div><script>";
    notification.version = "\"><b>";
    const std::string html = compose(notification).html;
    CHECK_FALSE(has(html, "<img"));
    CHECK_FALSE(has(html, "<script>"));
    CHECK_FALSE(has(html, "<b>"));
  }

  TEST_CASE("a row that cannot be read, or of an unknown kind, is still told") {
    CHECK(compose(parse_notification("deploy.failed", "not JSON")).subject == "❌ Deployment Failed - wrktalk");
    CHECK(has(compose(parse_notification("moon.landed", "{\"version\": 7}")).text, "moon.landed"));
  }
}
