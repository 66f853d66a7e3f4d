// SPDX-License-Identifier: Apache-2.0
#include "core/http/smtp_refusal.hpp"

#include <doctest/doctest.h>

using namespace wrktalk::http;

namespace {

SmtpComplaint of(SmtpStep step, int code, const char* answer, bool with_login = false) {
  return complaint_of(step, code, answer, with_login);
}

}  // namespace

TEST_SUITE("http::smtp_refusal") {
  TEST_CASE("a refusal is about what the server's words name, not about the command that was refused") {
    CHECK(of(SmtpStep::recipient, 504, "5.5.2 <web1>: Helo command rejected: need fully-qualified hostname") ==
          SmtpComplaint::name);
    CHECK(of(SmtpStep::connect, 550, "Access denied - Invalid HELO name (See RFC2821 4.1.1.1)") == SmtpComplaint::name);
    CHECK(of(SmtpStep::sender, 530, "5.7.0 Authentication required") == SmtpComplaint::login);
    CHECK(of(SmtpStep::sender, 530, "5.7.0 Must issue a STARTTLS command first") == SmtpComplaint::tls);
    CHECK(of(SmtpStep::sender, 530, "5.7.57 Client not authenticated to send mail") == SmtpComplaint::login);
    CHECK(of(SmtpStep::recipient, 550, "5.7.1 Client was not authenticated") == SmtpComplaint::login);
    CHECK(of(SmtpStep::recipient, 554, "5.7.1 <a@b.org>: Relay access denied") == SmtpComplaint::login);
    CHECK(of(SmtpStep::recipient, 554, "5.7.1 <a@b.org>: Relay access denied", true) == SmtpComplaint::relay);
    CHECK(of(SmtpStep::recipient, 554, "5.7.1 <x[192.0.2.1]>: Client host rejected: Access denied") ==
          SmtpComplaint::machine);
    CHECK(of(SmtpStep::recipient, 553, "5.7.1 <a@b.org>: Sender address rejected: not owned by user agent") ==
          SmtpComplaint::sender);
    CHECK(of(SmtpStep::sender, 550, "no mail from there") == SmtpComplaint::sender);
    CHECK(of(SmtpStep::recipient, 550, "5.1.1 <a@b.org>: Recipient address rejected: User unknown") ==
          SmtpComplaint::other);
    CHECK(of(SmtpStep::message, 552, "5.3.4 Message size exceeds fixed limit") == SmtpComplaint::other);
    CHECK(of(SmtpStep::recipient, 550, "5.1.1 hello there, no such user") == SmtpComplaint::other);
  }

  TEST_CASE("only what is about the recipient or the message gives a message up") {
    SmtpVerdict verdict{SmtpStep::recipient, 550, "", "", SmtpComplaint::other};
    CHECK(verdict.refused_for_good());
    verdict.complaint = SmtpComplaint::login;
    CHECK_FALSE(verdict.refused_for_good());
    CHECK(verdict.server_failed());
    verdict.complaint = SmtpComplaint::sender;
    CHECK_FALSE(verdict.refused_for_good());
    CHECK_FALSE(verdict.server_failed());
  }

  TEST_CASE("a hint names the setting") {
    SmtpServer server;
    server.host = "mail.example.org";
    server.ehlo_name = "web1";
    CHECK(to_sentence(SmtpComplaint::name, SmtpStep::recipient, server).find("'web1'") != std::string::npos);
    CHECK(hint_of(SmtpComplaint::name, SmtpStep::recipient, 504, server).find("WRKTALK_AGENT_SMTP_HELO") !=
          std::string::npos);
    CHECK(hint_of(SmtpComplaint::login, SmtpStep::sender, 530, server).find("smtp_user") != std::string::npos);
    CHECK(hint_of(SmtpComplaint::machine, SmtpStep::recipient, 554, server).find("WRKTALK_AGENT_SMTP_SOURCE") !=
          std::string::npos);
  }

  TEST_CASE("logins that are offered, in both spellings") {
    CHECK(offered_logins({"250-x", "250-AUTH XOAUTH2 CRAM-MD5", "250-AUTH=CRAM-MD5 NTLM", "250 SIZE 1"}) ==
          std::vector<std::string>{"XOAUTH2", "CRAM-MD5", "NTLM"});
    CHECK(offered_logins({"250-x", "250 AUTHORS"}).empty());
  }

  TEST_CASE("the name in EHLO is a full one where there is one") {
    CHECK(ehlo_name("", "web1.example.net", "a@example.org") == "web1.example.net");
    CHECK(ehlo_name("", "web1", "a@example.org") == "example.org");
    CHECK(ehlo_name("", "localhost.localdomain", "a@example.org") == "example.org");
    CHECK(ehlo_name("", "web1", "root@localhost") == "web1");
    CHECK(ehlo_name("[192.0.2.1]", "web1.example.net", "a@example.org") == "[192.0.2.1]");
  }
}
