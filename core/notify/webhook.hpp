// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/http/http.hpp"
#include "core/notify/settings.hpp"

#include <chrono>
#include <string>

namespace wrktalk::notify {

/// The second channel: a JSON document, POSTed. {"id": ..., "event": ..., "subject": ..., "data": {...}}; the id, also in the header
/// X-WrkTalk-Delivery, is the same when it is sent again. The header X-WrkTalk-Timestamp is `now`, when it is sent, in seconds since 1970. With a
/// secret, X-WrkTalk-Signature-256 holds "sha256=" and the HMAC-SHA256 of TIMESTAMP.BODY in hexadecimal digits: who checks both, and remembers
/// the ids of some minutes, cannot be told the same twice. Throws Error(configuration) when no address is set.
http::Request webhook_request(const Settings& settings, const std::string& id, const std::string& event,
                              const std::string& data, std::chrono::system_clock::time_point now);
/// Only the status of the answer counts; of its body the beginning is kept, to be quoted.
http::Options webhook_options(const Settings& settings);

bool webhook_took(const http::Response& response) noexcept;
/// "the webhook answers 500: BODY", on one line.
std::string webhook_refusal(const http::Response& response);
std::string webhook_hint(const http::Response& response);

}  // namespace wrktalk::notify
