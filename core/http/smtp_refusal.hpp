// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/http/smtp.hpp"

#include <string>
#include <string_view>
#include <vector>

/// What a mail server's refusal is about. Servers put most refusals off until they know the recipient, so the command that was refused
/// does not tell; the server's words do.
namespace wrktalk::http {

/// `answer`: the server's text without its code. `with_login`: whether we logged in.
SmtpComplaint complaint_of(SmtpStep step, int code, std::string_view answer, bool with_login);

/// "demands a login", "refuses the sender": what stands behind the server's name. `server` names the EHLO name.
std::string to_sentence(SmtpComplaint complaint, SmtpStep step, const SmtpServer& server);

/// What an operator can do.
std::string hint_of(SmtpComplaint complaint, SmtpStep step, int code, const SmtpServer& server);

/// The names of the logins in an answer to EHLO, "AUTH PLAIN LOGIN" or the older "AUTH=LOGIN", each once. `lines` with their codes.
std::vector<std::string> offered_logins(const std::vector<std::string>& lines);

/// The name for EHLO: `wanted`, else this host's, else, when that has no domain, that of the sender's address.
std::string ehlo_name(const std::string& wanted, const std::string& host_name, const std::string& sender);

}  // namespace wrktalk::http
