// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/http/http.hpp"
#include "core/notify/settings.hpp"

#include <string>

namespace wrktalk::notify {

/// The second channel: a JSON document, POSTed. {"id": ..., "event": ..., "subject": ..., "data": {...}}; the id is the same when it is
/// sent again. With a secret, the header X-WrkTalk-Signature-256 holds "sha256=" and the HMAC-SHA256 of the body in hexadecimal digits.
/// Throws Error(configuration) when no address is set.
http::Request webhook_request(const Settings& settings, const std::string& id, const std::string& event,
                              const std::string& data);
http::Options webhook_options(const Settings& settings);

}  // namespace wrktalk::notify
