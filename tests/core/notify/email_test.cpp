// SPDX-License-Identifier: Apache-2.0
#include "core/notify/letter.hpp"

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
      const Letter letter = compose(sample(event));
      CHECK(letter.text.size() > 60);
      CHECK(has(letter.html, "</html>"));
    }
  }

  TEST_CASE("a failure names what failed, what is left, and what to do") {
    const Letter letter = compose(sample("deploy.failed"));
    for (const std::string& body : {letter.text, letter.html}) {
      CHECK(has(body, "ImagePullBackOff"));
      CHECK(has(body, "put back"));
      CHECK(has(body, "wrktalk task show 0b7c5a52"));
      CHECK(has(body, "wrktalk task retry 0b7c5a52"));
      CHECK(has(body, "1 min 44 s"));
    }
  }

  TEST_CASE("a target that could not be put back calls for hands") {
    News news = sample("deploy.failed");
    news.state = "not_put_back";
    CHECK(has(compose(news).text, "Manual intervention is required"));
    CHECK(has(compose(news).text, "wrktalk rollback"));
  }

  TEST_CASE("markup in what is told is text") {
    News news = sample("deploy.failed");
    news.note = "<img src=x onerror=alert(1)>";
    news.evidence = "</div><script>";
    news.version = "\"><b>";
    const std::string html = compose(news).html;
    CHECK_FALSE(has(html, "<img"));
    CHECK_FALSE(has(html, "<script>"));
    CHECK_FALSE(has(html, "<b>"));
  }

  TEST_CASE("a row that cannot be read, or of an unknown kind, is still told") {
    CHECK(compose(parse_news("deploy.failed", "not JSON")).subject == "❌ Deployment Failed - wrktalk");
    CHECK(has(compose(parse_news("moon.landed", "{\"version\": 7}")).text, "moon.landed"));
  }
}
