// SPDX-License-Identifier: Apache-2.0
#include "core/notify/settings.hpp"

#include "core/base/error.hpp"

#include <doctest/doctest.h>

using namespace wrktalk;
using namespace wrktalk::notify;
using http::SmtpTls;

namespace {

MailConfig config(const char* port, const char* user = "agent") {
  return {"mail.example.org", port, user, "s3cret", "noreply@example.org"};
}

SmtpTls tls(const MailConfig& config, TlsMode mode = TlsMode::automatic) {
  Settings settings;
  settings.smtp_tls = mode;
  return mailbox(config, settings).server.tls;
}

}  // namespace

TEST_SUITE("notify::mailbox") {
  TEST_CASE("TLS is required on every port, from the start on 465") {
    CHECK(tls(config("587")) == SmtpTls::starttls);
    CHECK(tls(config("465")) == SmtpTls::from_the_start);
    CHECK(tls(config("25", "")) == SmtpTls::starttls);
  }

  TEST_CASE("plain text needs to be asked for, and is not for logins nor for port 587") {
    CHECK(tls(config("25", ""), TlsMode::none) == SmtpTls::none);
    CHECK_THROWS_AS(tls(config("25"), TlsMode::none), base::Error);
    CHECK_THROWS_AS(tls(config("587", ""), TlsMode::none), base::Error);
  }

  TEST_CASE("without a host, or without a sender, it says what to set") {
    CHECK_THROWS_WITH(mailbox({}, {}), "no mail server is set");
    MailConfig nobody = config("587", "agent");
    nobody.from.reset();
    CHECK_THROWS_AS(mailbox(nobody, {}), base::Error);
    nobody.user = "agent@example.org";
    CHECK(mailbox(nobody, {}).from.mail == "agent@example.org");
  }
}
