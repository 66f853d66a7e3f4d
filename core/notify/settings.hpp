// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/secret.hpp"
#include "core/db/session.hpp"
#include "core/http/smtp.hpp"
#include "core/notify/mime.hpp"
#include "core/settings/fields.hpp"

#include <optional>
#include <string>
#include <vector>

namespace wrktalk::notify {

enum class TlsMode {
  automatic,  ///< TLS from the start on port 465, else STARTTLS
  starttls,
  from_the_start,
  none,  ///< for a relay that asks for no login
};

/// What this machine's configuration says about notifications. The mail server itself is in deployment_config.
struct Settings {
  std::string smtp_ca_file;  ///< PEM; empty: the system's
  TlsMode smtp_tls = TlsMode::automatic;
  std::string smtp_helo;     ///< empty: this host's name, or the domain of the sender's address when that has none
  std::string smtp_source;   ///< address of this machine; empty: any
  base::Secret webhook_url;  ///< empty: no webhook. Such addresses often hold a token
  base::Secret webhook_secret;
  std::string webhook_ca_file;
  std::vector<std::string> plain_hosts{};  ///< to which the webhook's address may be http://
};

/// The section `notify`.
settings::Fields<Settings> setting_fields() noexcept;

/// deployment_config's smtp_* columns, as they are.
struct MailConfig {
  std::optional<std::string> host;
  std::optional<std::string> port;
  std::optional<std::string> user;
  std::optional<std::string> password;
  std::optional<std::string> from;
};
MailConfig read_mail_config(db::Session& db);

/// A mail server, and who the mails come from.
struct Mailbox {
  http::SmtpServer server;
  Address from;
};

/// Throws Error(configuration) when there is no server, or when its settings cannot be: a login without TLS above all.
Mailbox mailbox(const MailConfig& config, const Settings& settings);

}  // namespace wrktalk::notify
