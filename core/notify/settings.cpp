// SPDX-License-Identifier: Apache-2.0
#include "core/notify/settings.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/log/log.hpp"

#include <cstdlib>

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

}  // namespace

const char* const kMailConfig =
    "SELECT smtp_host, smtp_port, smtp_user, smtp_password, smtp_from FROM deployment_config "
    "ORDER BY smtp_host IS NULL, created_at LIMIT 1";

MailConfig read_mail_config(db::Session& db) {
  const auto rows = db.run(kMailConfig);
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
  return box;
}

}  // namespace wrktalk::notify
