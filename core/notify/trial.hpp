// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/pulse.hpp"
#include "core/http/smtp.hpp"
#include "core/notify/settings.hpp"

#include <functional>
#include <optional>
#include <string>

namespace wrktalk::notify {

/// Talks to the mail server as a mail would, as far as the login, or with `to` up to a test message that it takes. `tell` hears of each
/// step that has been passed, at once. Returns what went wrong, if anything. Throws what the pulse throws.
std::optional<http::SmtpVerdict> try_mail(const Mailbox& mailbox, const std::optional<Address>& to, base::Pulse& pulse,
                                          const std::function<void(const http::SmtpSession::Passed&)>& tell);

}  // namespace wrktalk::notify
