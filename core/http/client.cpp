// SPDX-License-Identifier: Apache-2.0
#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/http/curl.hpp"
#include "core/http/http.hpp"
#include "core/log/log.hpp"

#include <array>

namespace wrktalk::http {
namespace {

using base::Error;
using base::Kind;

/// A URL's "host:port".
struct Peer {
  std::string host;
  std::string name;
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
  return {host, host + ":" + url_part(url.get(), CURLUPART_PORT)};
}

bool is_this_machine(const std::string& host) {
  return host == "localhost" || host == "[::1]" || base::starts_with(host, "127.");
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
  bool too_large = false;

  static std::size_t write(char* data, std::size_t size, std::size_t count, void* self) noexcept {
    auto& body = *static_cast<Body*>(self);
    body.too_large = body.text.size() + size * count > body.limit;
    if (body.too_large) return 0;
    try {
      body.text.append(data, size * count);
    } catch (...) {
      return 0;
    }
    return size * count;
  }
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
  const Options& options = state_->options;
  const Peer peer = peer_of(request.url);
  curl::Slist headers;
  for (const auto& [name, value] : request.headers) curl::append(headers, header_line(name, value));
  // Not waiting for "100 Continue".
  curl::append(headers, "Expect:");

  Response response;
  Body body{response.body, options.limit_bytes};
  curl::Easy easy({options.ca_file, options.verify}, options.connect_timeout, options.timeout);
  easy.set(CURLOPT_URL, request.url.c_str());
  easy.set(CURLOPT_PROTOCOLS_STR, "http,https");
  easy.set(CURLOPT_FOLLOWLOCATION, 0L);
  easy.set(CURLOPT_USERAGENT, "wrktalk/" WRKTALK_VERSION);
  easy.set(CURLOPT_HTTPHEADER, headers.get());
  easy.set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
  if (!request.body.empty()) {
    easy.set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    easy.set(CURLOPT_POSTFIELDS, request.body.data());
  }
  if (is_this_machine(peer.host)) easy.set(CURLOPT_PROXY, "");
  easy.set(CURLOPT_WRITEFUNCTION, &Body::write);
  easy.set(CURLOPT_WRITEDATA, &body);

  const CURLcode code = easy.run(state_->multi.get(), pulse, deadline);
  if (body.too_large) {
    throw Error(Kind::configuration, peer.name + ": the answer is larger than " + base::human_size(options.limit_bytes),
                "check that the right server listens there");
  }
  if (code != CURLE_OK) throw curl::error(easy, code, peer.name, options.ca_setting);
  response.status = static_cast<int>(easy.info<long>(CURLINFO_RESPONSE_CODE));
  response.retry_after = std::chrono::seconds(easy.info<curl_off_t>(CURLINFO_RETRY_AFTER));
  if (const char* target = easy.info<char*>(CURLINFO_REDIRECT_URL)) response.redirect = target;
  log::debug("http.answered", request.method + " " + request.url + " " + std::to_string(response.status),
             {{"took_ms", std::to_string(easy.info<curl_off_t>(CURLINFO_TOTAL_TIME_T) / 1000)}});
  return response;
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
