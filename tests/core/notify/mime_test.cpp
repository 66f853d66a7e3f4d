// SPDX-License-Identifier: Apache-2.0
#include "core/notify/mime.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <doctest/doctest.h>

using namespace wrktalk;
using namespace wrktalk::notify;

namespace {

Envelope envelope() {
  return {{"WrkTalk", "noreply@example.org"},
          {"", "anna@example.org"},
          "1@example.org",
          std::chrono::system_clock::from_time_t(1773453707)};
}

}  // namespace

TEST_SUITE("notify::mime") {
  TEST_CASE("plain header values stay, others become encoded words") {
    CHECK(header_value("Deployment of 1.0.0") == "Deployment of 1.0.0");
    CHECK(header_value("✅ x") == "=?utf-8?B?4pyFIHg=?=");
    // A text that looks like an encoded word is a text.
    CHECK(header_value("=?utf-8?B?eA==?=") != "=?utf-8?B?eA==?=");
  }

  TEST_CASE("long values are folded between characters") {
    std::string text;
    for (int i = 0; i < 60; ++i) text += "ü✅";
    for (const auto& line : base::split(header_value(text), '\n')) {
      CHECK(line.size() <= 76);
      CHECK(base::ends_with(base::trim(line), "?="));
    }
    // 45 bytes end within a character: the word is shorter then.
    CHECK(header_value(std::string(44, 'a') + "ü").find("\r\n =?utf-8?B?w7w=?=") != std::string::npos);
  }

  TEST_CASE("line breaks cannot make headers") {
    EmailContent email{"a\r\nBcc: eve@example.org", "text", "<p>"};
    auto to = envelope();
    to.to.name = "x\nBcc: eve@example.org";
    const std::string message = mime(email, to);
    CHECK(message.find("\nBcc") == std::string::npos);
    CHECK(message.find("\nbcc") == std::string::npos);
  }

  TEST_CASE("a message has its headers once, in ASCII, with CRLF everywhere") {
    const std::string message = mime({"✅", "grüße", "<p>grüße</p>"}, envelope());
    CHECK(message.find("Date: Sat, 14 Mar 2026 02:01:47 +0000\r\n") == 0);
    CHECK(message.find("Message-ID: <1@example.org>\r\n") != std::string::npos);
    for (std::size_t i = 0; i < message.size(); ++i) {
      CHECK(static_cast<unsigned char>(message[i]) < 128);
      if (message[i] == '\n') CHECK(message[i - 1] == '\r');
    }
  }

  TEST_CASE("addresses are read with and without a name") {
    CHECK(parse_address("a@example.org").mail == "a@example.org");
    const Address address = parse_address("\"Doe, Jane\" <jane@example.org>");
    CHECK(address.name == "Doe, Jane");
    CHECK(address.mail == "jane@example.org");
  }

  TEST_CASE("what is no address is refused") {
    for (const char* bad :
         {"", "a", "@example.org", "a@", "a b@example.org", "a@example.org\r\nRCPT TO:<b@example.org>", "a@b>, <c@d",
          "ä@example.org", "<a@example.org> x"}) {
      CAPTURE(bad);
      CHECK_THROWS_AS(parse_address(bad), base::Error);
    }
  }
}
