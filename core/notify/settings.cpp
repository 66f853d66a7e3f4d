// SPDX-License-Identifier: Apache-2.0
#include "core/notify/settings.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/http/smtp_refusal.hpp"
#include "core/log/log.hpp"
#include "core/notify/sql.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cstdlib>
#include <string_view>
#include <unistd.h>

namespace wrktalk::notify {
namespace {

using base::Error;
using base::Kind;
using http::SmtpTls;

constexpr int kSubmission = 587;
constexpr int kSubmissions = 465;

SmtpTls tls_of(TlsMode mode, int port) {
  switch (mode) {
    case TlsMode::starttls: return SmtpTls::starttls;
    case TlsMode::from_the_start: return SmtpTls::from_the_start;
    case TlsMode::none: return SmtpTls::none;
    case TlsMode::automatic: break;
  }
  return port == kSubmissions ? SmtpTls::from_the_start : SmtpTls::starttls;
}

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

/// Nothing that would end the command or begin another.
std::string checked_helo(const std::string& name) {
  const bool good = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-._:[]").find(c) != std::string_view::npos;
  });
  if (good) return name;
  throw Error(Kind::configuration, "'" + base::one_line(name) + "' is no name for EHLO",
              "set WRKTALK_AGENT_SMTP_HELO to a host's name, or to an address in brackets: [192.0.2.1]");
}

/// An address alone, since libcurl would take a name for an interface, or ask the name service for it.
std::string checked_source(const std::string& address) {
  in6_addr parsed{};
  const bool good = address.empty() || ::inet_pton(AF_INET, address.c_str(), &parsed) == 1 ||
                    ::inet_pton(AF_INET6, address.c_str(), &parsed) == 1;
  if (!good) {
    throw Error(Kind::configuration, "'" + base::one_line(address) + "' is no IP address to send mail from",
                "set WRKTALK_AGENT_SMTP_SOURCE to an address of this machine");
  }
  return address.empty() ? "" : "host!" + address;
}

}  // namespace

MailConfig read_mail_config(db::Session& db) {
  const auto rows = db.run(sql::mail_config);
  if (rows.empty()) return {};
  const auto& row = rows[0];
  return {db::text(row, "smtp_host"), db::text(row, "smtp_port"), db::text(row, "smtp_user"),
          db::text(row, "smtp_password"), db::text(row, "smtp_from")};
}

Mailbox mailbox(const MailConfig& config, const Settings& settings) {
  if (base::trim(config.host.value_or("")).empty()) {
    throw Error(Kind::configuration, "no mail server is set",
                "set smtp_host, smtp_port, smtp_user, smtp_password and smtp_from in deployment_config");
  }
  Mailbox box;
  box.server.host = base::trim(*config.host);
  box.server.port = config.port ? std::atoi(config.port->c_str()) : kSubmission;
  box.server.user = config.user.value_or("");
  box.server.password = base::Secret(config.password.value_or(""));
  box.server.tls = tls_of(settings.smtp_tls, box.server.port);
  box.server.ca_file = settings.smtp_ca_file;
  box.server.ca_setting = "WRKTALK_AGENT_SMTP_CA_FILE";
  if (!box.server.password.empty()) log::add_secret(box.server.password);
  if (box.server.tls == SmtpTls::none && (!box.server.user.empty() || box.server.port == kSubmission)) {
    throw Error(Kind::configuration,
                box.server.name() + (box.server.user.empty() ? " is the port for mail with a login, which needs TLS"
                                                             : ": a login needs TLS"),
                "leave WRKTALK_AGENT_SMTP_TLS at auto, or empty smtp_user for a relay that asks for none");
  }
  const std::string from = base::trim(config.from.value_or(""));
  try {
    box.from = parse_address(from.empty() ? box.server.user : from);
  } catch (const Error& e) {
    throw Error(Kind::configuration, std::string("the sender cannot be used: ") + e.what(),
                "set smtp_from in deployment_config, like \"WrkTalk <noreply@example.org>\"");
  }
  box.server.ehlo_name = http::ehlo_name(checked_helo(settings.smtp_helo), host_name(), box.from.mail);
  box.server.source = checked_source(settings.smtp_source);
  return box;
}

}  // namespace wrktalk::notify
