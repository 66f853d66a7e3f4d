// SPDX-License-Identifier: Apache-2.0
#include "core/notify/settings.hpp"

namespace wrktalk::notify {
namespace {

using namespace settings;

constexpr Choices<TlsMode, 4> kTlsModes = {{{"auto", TlsMode::automatic},
                                            {"starttls", TlsMode::starttls},
                                            {"smtps", TlsMode::from_the_start},
                                            {"none", TlsMode::none}}};

// clang-format off
constexpr Field<Settings> kFields[] = {
    {{"notify.smtp_ca_file", "WRKTALK_AGENT_SMTP_CA_FILE", "", "--smtp-ca-file", "", Form::value, "PEM file of the CA that signed the mail server's certificate; empty: the system's CAs"},
     optional_path<&Settings::smtp_ca_file>},
    {{"notify.smtp_tls", "WRKTALK_AGENT_SMTP_TLS", "", "--smtp-tls", "auto", Form::value, "auto (TLS from the start on port 465, else STARTTLS), starttls, smtps, or none for a relay without a login"},
     choice<&Settings::smtp_tls, kTlsModes>},
    {{"notify.smtp_helo", "WRKTALK_AGENT_SMTP_HELO", "", "--smtp-helo", "", Form::value, "Name for EHLO; empty: this host's name, or the domain of the sender's address when that has no domain"},
     text<&Settings::smtp_helo>},
    {{"notify.smtp_source", "WRKTALK_AGENT_SMTP_SOURCE", "", "--smtp-source", "", Form::value, "Address of this machine to send mail from; empty: any"},
     text<&Settings::smtp_source>},
    {{"notify.webhook_url", "WRKTALK_AGENT_WEBHOOK_URL", "", "", "", Form::secret, "Address that is told the same as the admins, by POST; empty: none"},
     secret<&Settings::webhook_url>},
    {{"notify.webhook_secret", "WRKTALK_AGENT_WEBHOOK_SECRET", "", "", "", Form::secret, "Key of the webhook's signature; empty: not signed"},
     secret<&Settings::webhook_secret>},
    {{"notify.webhook_ca_file", "WRKTALK_AGENT_WEBHOOK_CA_FILE", "", "--webhook-ca-file", "", Form::value, "PEM file of the CA that signed the webhook's certificate; empty: the system's CAs"},
     optional_path<&Settings::webhook_ca_file>},
    {{"http.allow"}, hosts<&Settings::plain_hosts>},
};
// clang-format on

}  // namespace

settings::Fields<Settings> setting_fields() noexcept { return kFields; }

}  // namespace wrktalk::notify
