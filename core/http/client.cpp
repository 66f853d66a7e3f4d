// SPDX-License-Identifier: Apache-2.0
#include "core/base/error.hpp"
#include "core/base/loopback.hpp"
#include "core/base/text.hpp"
#include "core/http/curl.hpp"
#include "core/http/http.hpp"
#include "core/log/log.hpp"

#include <algorithm>
#include <array>

namespace wrktalk::http {
namespace {

using base::Error;
using base::Kind;

/// A URL's "host:port".
struct Peer {
  std::string host;
  std::string name;
  bool plain;  ///< http://
};

std::string url_part(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl::library().url_get(url, part, &text, CURLU_DEFAULT_PORT) != CURLUE_OK) return {};
  const std::unique_ptr<char, void (*)(void*)> owner(text, curl::library().free);
  return text;
}

Peer peer_of(const std::string& text) {
  const std::unique_ptr<CURLU, void (*)(CURLU*)> url(curl::library().url(), curl::library().url_cleanup);
  const CURLUcode code =
      url ? curl::library().url_set(url.get(), CURLUPART_URL, text.c_str(), 0) : CURLUE_OUT_OF_MEMORY;
  const std::string scheme = url_part(url.get(), CURLUPART_SCHEME);
  if (code != CURLUE_OK || (scheme != "http" && scheme != "https")) {
    throw Error(Kind::configuration, "'" + base::one_line(log::redact(text)) + "' is no http:// or https:// address",
                "write it as https://HOST:PORT");
  }
  if (!url_part(url.get(), CURLUPART_USER).empty() || !url_part(url.get(), CURLUPART_PASSWORD).empty()) {
    throw Error(Kind::configuration, "an address holds a user or a password: " + log::redact(text),
                "leave them out of the address");
  }
  const std::string host = url_part(url.get(), CURLUPART_HOST);
  return {host, host + ":" + url_part(url.get(), CURLUPART_PORT), scheme == "http"};
}

/// Whoever is in between reads what is sent, and answers in the other's place.
Peer checked_peer(const std::string& url, const std::vector<std::string>& plain_hosts) {
  const Peer peer = peer_of(url);
  const auto is_meant = [&](const std::string& name) { return name == peer.host || name == peer.name; };
  if (peer.plain && !base::is_loopback(peer.host) && std::none_of(plain_hosts.begin(), plain_hosts.end(), is_meant)) {
    throw Error(Kind::configuration, "http:// to " + peer.name + " would be readable by everybody in between",
                "use https://; or allow this host by WRKTALK_AGENT_ALLOW_HTTP=" + peer.host);
  }
  return peer;
}

/// A header's value could end it and begin another.
std::string header_line(const std::string& name, const std::string& value) {
  if ((name + value).find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
    throw Error(Kind::configuration, "the value of header " + base::one_line(name) + " has a line break in it",
                "check the setting it comes from");
  }
  // A name alone would remove the header.
  return value.empty() ? name + ";" : name + ": " + value;
}

/// Collects a body up to a limit.
struct Body {
  std::string& text;
  std::size_t limit;
  bool keep_beginning;  ///< of one that is too large
  bool too_large = false;

  static std::size_t write(char* data, std::size_t size, std::size_t count, void* self) noexcept {
    auto& body = *static_cast<Body*>(self);
    body.too_large = body.text.size() + size * count > body.limit;
    if (body.too_large && !body.keep_beginning) return 0;
    if (body.too_large) count = (body.limit - body.text.size()) / size;
    try {
      body.text.append(data, size * count);
    } catch (...) {
      return 0;
    }
    return body.too_large ? 0 : size * count;
  }
};

/// A request and its answer to be, as one transfer.
class Exchange {
 public:
  /// What is given must outlive it.
  Exchange(const Options& options, const Request& request)
      : options_(options),
        request_(request),
        peer_(options.plain ? peer_of(request.url) : checked_peer(request.url, options.plain_hosts)),
        easy_({options.ca_file, options.verify}, options.connect_timeout, options.timeout) {
    for (const auto& [name, value] : request.headers) curl::append(headers_, header_line(name, value));
    // Not waiting for "100 Continue".
    curl::append(headers_, "Expect:");
    easy_.set(CURLOPT_URL, request.url.c_str());
    easy_.set(CURLOPT_PROTOCOLS_STR, "http,https");
    easy_.set(CURLOPT_FOLLOWLOCATION, 0L);
    easy_.set(CURLOPT_USERAGENT, "wrktalk/" WRKTALK_VERSION);
    easy_.set(CURLOPT_HTTPHEADER, headers_.get());
    easy_.set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
    if (!request.body.empty()) {
      easy_.set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
      easy_.set(CURLOPT_POSTFIELDS, request.body.data());
    }
    if (base::is_loopback(peer_.host)) easy_.set(CURLOPT_PROXY, "");
    easy_.set(CURLOPT_WRITEFUNCTION, &Body::write);
    easy_.set(CURLOPT_WRITEDATA, &body_);
  }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  curl::Easy& easy() noexcept { return easy_; }

  /// What the transfer that ended with `code` brought.
  Response response(CURLcode code) {
    const bool said_status = easy_.info<long>(CURLINFO_RESPONSE_CODE) >= 200;
    if (options_.status_only && said_status) code = CURLE_OK;
    if (body_.too_large && code != CURLE_OK) {
      throw Error(Kind::configuration,
                  peer_.name + ": the answer is larger than " + base::human_size(options_.limit_bytes),
                  "check that the right server listens there");
    }
    if (code != CURLE_OK) throw curl::error(easy_, code, peer_.name, options_.ca_setting);
    response_.status = static_cast<int>(easy_.info<long>(CURLINFO_RESPONSE_CODE));
    response_.retry_after = std::chrono::seconds(easy_.info<curl_off_t>(CURLINFO_RETRY_AFTER));
    if (const char* target = easy_.info<char*>(CURLINFO_REDIRECT_URL)) response_.redirect = target;
    log::debug("http.answered", request_.method + " " + request_.url + " " + std::to_string(response_.status),
               {{"took_ms", std::to_string(easy_.info<curl_off_t>(CURLINFO_TOTAL_TIME_T) / 1000)}});
    return std::move(response_);
  }

 private:
  const Options& options_;
  const Request& request_;
  Peer peer_;
  curl::Slist headers_;
  Response response_;
  Body body_{response_.body, options_.limit_bytes, options_.status_only};
  curl::Easy easy_;
};

}  // namespace

struct Client::State {
  Options options;
  curl::Multi multi = curl::make_multi();
};

Client::Client(Options options) : state_(new State{std::move(options)}) {}
Client::Client(Client&& other) noexcept = default;
Client& Client::operator=(Client&& other) noexcept = default;
Client::~Client() = default;

Response Client::send(const Request& request, base::Pulse& pulse, base::Deadline deadline) {
  Exchange exchange(state_->options, request);
  return exchange.response(exchange.easy().run(state_->multi.get(), pulse, deadline));
}

struct Call::State {
  State(Options wanted_options, Request wanted) : options(std::move(wanted_options)), request(std::move(wanted)) {}

  Options options;
  Request request;
  curl::Multi multi = curl::make_multi();
  Exchange exchange{options, request};
  curl::Running running{multi.get(), exchange.easy()};
};

Call::Call(Options options, Request request) : state_(new State(std::move(options), std::move(request))) {}
Call::~Call() = default;

base::Deadline Call::watch(std::vector<pollfd>& fds) const { return state_->running.watch(fds); }

std::optional<Response> Call::advance() {
  const auto code = state_->running.advance();
  if (!code) return std::nullopt;
  return state_->exchange.response(*code);
}

std::string encoded_path(std::string_view path) {
  static constexpr std::array<char, 17> kDigits = {"0123456789ABCDEF"};
  std::string out;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-._~/").find(c) != std::string_view::npos;
    if (plain) {
      out += c;
    } else {
      out += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return out;
}

}  // namespace wrktalk::http
