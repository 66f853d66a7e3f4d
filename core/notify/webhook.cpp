// SPDX-License-Identifier: Apache-2.0
#include "core/notify/webhook.hpp"

#include "core/base/error.hpp"
#include "core/base/sha256.hpp"
#include "core/base/text.hpp"
#include "core/log/log.hpp"
#include "core/notify/email.hpp"

#include <nlohmann/json.hpp>

namespace wrktalk::notify {
namespace {

constexpr std::size_t kQuoted = 300;

}  // namespace

http::Request webhook_request(const Settings& settings, const std::string& id, const std::string& event,
                              const std::string& data, std::chrono::system_clock::time_point now) {
  using nlohmann::ordered_json;
  if (settings.webhook_url.empty()) {
    throw base::Error(base::Kind::configuration, "no webhook is set", "set WRKTALK_AGENT_WEBHOOK_URL");
  }
  auto details = ordered_json::parse(data, nullptr, false);
  redact_texts(details);
  const ordered_json document = {{"id", id},
                                 {"event", event},
                                 {"subject", compose(parse_notification(event, data)).subject},
                                 {"data", details.is_discarded() ? ordered_json::object() : std::move(details)}};
  http::Request request;
  request.method = "POST";
  request.url = settings.webhook_url.reveal();
  request.body = document.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  request.headers = {{"Content-Type", "application/json"}, {"X-WrkTalk-Event", event}, {"X-WrkTalk-Delivery", id}};
  const std::string timestamp =
      std::to_string(std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count());
  request.headers.emplace_back("X-WrkTalk-Timestamp", timestamp);
  if (!settings.webhook_secret.empty()) {
    request.headers.emplace_back(
        "X-WrkTalk-Signature-256",
        "sha256=" + base::hmac_sha256_hex(settings.webhook_secret.reveal(), timestamp + "." + request.body));
  }
  return request;
}

http::Options webhook_options(const Settings& settings) {
  http::Options options;
  options.ca_file = settings.webhook_ca_file;
  options.ca_setting = "WRKTALK_AGENT_WEBHOOK_CA_FILE";
  options.plain_hosts = settings.plain_hosts;
  options.status_only = true;
  options.limit_bytes = kQuoted;
  return options;
}

bool webhook_took(const http::Response& response) noexcept { return response.status / 100 == 2; }

std::string webhook_refusal(const http::Response& response) {
  std::string said = base::trim(base::one_line(log::redact(base::scrub_utf8(response.body))));
  if (response.body.size() >= kQuoted) said += "...";
  return "the webhook answers " + std::to_string(response.status) + (said.empty() ? "" : ": " + said);
}

std::string webhook_hint(const http::Response& response) {
  switch (response.status) {
    case 401:
    case 403: return "check the token in WRKTALK_AGENT_WEBHOOK_URL and WRKTALK_AGENT_WEBHOOK_SECRET";
    case 404:
    case 405: return "check the path in WRKTALK_AGENT_WEBHOOK_URL";
    case 410: return "set WRKTALK_AGENT_WEBHOOK_URL anew, or empty it: nobody listens there any more";
    default: break;
  }
  if (response.status / 100 == 3)
    return "set WRKTALK_AGENT_WEBHOOK_URL to the address that answers by itself: redirects are not followed";
  return "check WRKTALK_AGENT_WEBHOOK_URL, and the log of what listens there";
}

}  // namespace wrktalk::notify
