// SPDX-License-Identifier: Apache-2.0
#include "core/secrets/api.hpp"

#include "core/base/backoff.hpp"
#include "core/base/text.hpp"
#include "core/http/http.hpp"
#include "core/log/log.hpp"

#include <algorithm>

namespace wrktalk::secrets {
namespace {

using base::Deadline;
using base::Error;
using base::Kind;
using nlohmann::json;

constexpr std::size_t kLongestReason = 500;

http::Options options_of(const Server& server) {
  http::Options options;
  options.ca_file = server.ca_file;
  options.verify = server.verify;
  options.ca_setting = "VAULT_CACERT";
  options.plain_hosts = server.plain_hosts;
  options.connect_timeout = std::chrono::seconds(5);
  options.timeout = std::chrono::seconds(15);
  return options;
}

/// The words of the body, whether it is Vault's JSON or a proxy's page.
std::string reason_of(const json& body, const std::string& text) {
  std::string reason;
  if (body.is_object()) {
    for (const char* key : {"errors", "warnings"}) {
      const auto list = body.find(key);
      if (list == body.end() || !list->is_array()) continue;
      for (const auto& item : *list) {
        if (item.is_string()) reason += (reason.empty() ? "" : "; ") + item.get<std::string>();
      }
    }
  } else {
    reason = text;
  }
  std::string line = base::trim(base::one_line(log::redact(reason)));
  // Vault's form of a list of one.
  constexpr std::string_view kOne = "1 error occurred:";
  if (base::starts_with(line, kOne)) line.erase(0, line.find_first_not_of(" *", kOne.size()));
  if (line.size() > kLongestReason) line = base::scrub_utf8(line.substr(0, kLongestReason)) + "...";
  return line;
}

Answer answer_of(const http::Response& response) {
  Answer answer;
  answer.status = response.status;
  answer.body = json::parse(response.body, nullptr, false);
  if (answer.body.is_discarded()) answer.body = json();
  answer.errors = reason_of(answer.body, response.body);
  return answer;
}

bool may_pass(const Answer& answer) {
  const bool upgrading =
      answer.status == 400 && answer.errors.find("Upgrading from non-versioned") != std::string::npos;
  return answer.status >= 500 || answer.status == 429 || answer.status == 412 || upgrading;
}

std::string hint_of(const Answer& answer) {
  if (answer.errors.find("sealed") != std::string::npos) return "unseal it: `vault operator unseal`, `vault status`";
  if (answer.errors.find("not yet initialized") != std::string::npos) return "initialise it: `vault operator init`";
  if (answer.errors.find("could not load backend configuration") != std::string::npos)
    return "configure the auth method: `vault write auth/kubernetes/config kubernetes_host=...`";
  if (answer.status == 429) return "wait, or raise the rate limit quota (`vault list sys/quotas/rate-limit`)";
  return "look at Vault's own log, and at what stands in front of it";
}

}  // namespace

Api::Api(Server server) : server_(std::move(server)) {
  while (!server_.address.empty() && server_.address.back() == '/') server_.address.pop_back();
  if (!base::starts_with(server_.address, "http://") && !base::starts_with(server_.address, "https://")) {
    throw Error(Kind::configuration,
                "VAULT_ADDR '" + base::one_line(log::redact(server_.address)) + "' is no http:// or https:// address",
                "write it as https://HOST:PORT");
  }
  name_ = "Vault at " + base::one_line(log::redact(server_.address));
  if (!server_.namespace_.empty()) name_ += ", namespace " + base::one_line(server_.namespace_);
}

Answer Api::call(const std::string& method, const std::string& path, const base::Secret& token, const json& body,
                 base::Pulse& pulse, Deadline deadline, Wrapping wrapping) const {
  http::Request request{method, server_.address + "/v1/" + http::encoded_path(path), {{"X-Vault-Request", "true"}}};
  if (!server_.namespace_.empty()) request.headers.emplace_back("X-Vault-Namespace", server_.namespace_);
  if (!token.empty()) request.headers.emplace_back("X-Vault-Token", token.reveal());
  if (wrapping == Wrapping::wrapped) request.headers.emplace_back("X-Vault-Wrap-TTL", "60s");
  if (!body.is_null()) request.body = body.dump(-1, ' ', false, json::error_handler_t::replace);

  http::Client client(options_of(server_));
  base::Backoff backoff;
  for (;;) {
    std::chrono::milliseconds asked{0};
    Error failure(Kind::failed, "");
    try {
      const auto response = client.send(request, pulse, deadline);
      Answer answer = answer_of(response);
      if (response.status >= 300 && response.status < 400) {
        throw Error(Kind::configuration,
                    name_ + " sends us elsewhere: " + std::to_string(response.status) + " " +
                        base::one_line(log::redact(response.redirect)),
                    "set VAULT_ADDR to the address that answers by itself");
      }
      if (!may_pass(answer)) return answer;
      asked = response.retry_after;
      failure = Error(Kind::connection_lost, refusal(method + " " + path, answer, "").what(), hint_of(answer));
    } catch (Error& e) {
      if (e.kind() == Kind::connection_lost || e.kind() == Kind::configuration) e.add_context("Vault");
      if (e.kind() != Kind::connection_lost) throw;
      failure = e;
    }
    const auto pause = std::max(backoff.next(), asked);
    if (pause >= deadline.left()) throw failure;
    if (backoff.tries() == 1) log::warn("vault.waits", failure.what(), {{"hint", failure.hint()}});
    base::pause(pulse, Deadline::in(pause));
  }
}

Error Api::refusal(const std::string& what, const Answer& answer, const std::string& hint) const {
  return Error(Kind::configuration,
               name_ + ": " + what + ": " + std::to_string(answer.status) +
                   (answer.errors.empty() ? std::string() : ", " + answer.errors),
               hint);
}

}  // namespace wrktalk::secrets
