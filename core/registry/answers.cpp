// SPDX-License-Identifier: Apache-2.0
#include "core/registry/answers.hpp"

#include "core/registry/sql.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <netinet/in.h>

namespace wrktalk::registry {
namespace {

constexpr std::chrono::seconds kCheckAnswer{5};
constexpr std::int64_t kLeastBuffer = 1024;
constexpr std::int64_t kMostBuffer = 64 << 10;

std::string value(MHD_Connection* connection, MHD_ValueKind kind, const char* name) {
  const char* text = observe::mhd::library().lookup_connection_value(connection, kind, name);
  return text == nullptr ? std::string() : text;
}

std::string client_of(MHD_Connection* connection) {
  const auto* info = observe::mhd::library().get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
  if (info == nullptr || info->client_addr == nullptr) return {};
  std::array<char, INET6_ADDRSTRLEN> text{};
  const sockaddr* address = info->client_addr;
  const void* host = &reinterpret_cast<const sockaddr_in*>(address)->sin_addr;
  if (address->sa_family == AF_INET6) host = &reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr;
  const char* shown = ::inet_ntop(address->sa_family, host, text.data(), text.size());
  return shown == nullptr ? std::string() : shown;
}

MHD_Response* blob_response(const Exchange& exchange, MHD_ContentReaderCallback read) {
  const auto& mhd = observe::mhd::library();
  const std::int64_t size = exchange.bytes.to - exchange.bytes.from;
  const std::int64_t buffer =
      exchange.is_head() ? kLeastBuffer : std::max(kLeastBuffer, std::min({size, exchange.slice, kMostBuffer}));
  auto* response =
      size == 0 ? mhd.create_response_from_buffer(0, nullptr, MHD_RESPMEM_PERSISTENT)
                : mhd.create_response_from_callback(static_cast<std::uint64_t>(size), static_cast<std::size_t>(buffer),
                                                    read, const_cast<Exchange*>(&exchange), nullptr);
  if (response == nullptr) return nullptr;
  const auto add = [&](const char* name, const std::string& text) {
    mhd.add_response_header(response, name, text.c_str());
  };
  const auto& blob = *exchange.blob;
  add("Content-Type", blob.media_type);
  add("Docker-Content-Digest", blob.digest);
  add("ETag", "\"" + blob.digest + "\"");
  add("Accept-Ranges", "bytes");
  const std::string whole = std::to_string(blob.size);
  if (exchange.reply.status == 416) add("Content-Range", "bytes */" + whole);
  if (exchange.reply.status == 206) {
    add("Content-Range",
        "bytes " + std::to_string(exchange.bytes.from) + "-" + std::to_string(exchange.bytes.to - 1) + "/" + whole);
  }
  return response;
}

MHD_Response* text_response(const Reply& reply) {
  const auto& mhd = observe::mhd::library();
  auto* response =
      mhd.create_response_from_buffer(reply.body.size(), const_cast<char*>(reply.body.data()), MHD_RESPMEM_MUST_COPY);
  if (response == nullptr) return nullptr;
  mhd.add_response_header(response, "Content-Type", reply.type.c_str());
  mhd.add_response_header(response, "Cache-Control", "no-store");
  if (reply.status == 405) mhd.add_response_header(response, "Allow", "GET, HEAD");
  if (reply.status == 503) mhd.add_response_header(response, "Retry-After", "1");
  return response;
}

}  // namespace

std::unique_ptr<Exchange> read_request(MHD_Connection* connection, const char* method, const char* path) {
  auto exchange = std::make_unique<Exchange>();
  exchange->connection = connection;
  exchange->method = method;
  exchange->path = path;
  exchange->route = parse_path(path);
  exchange->host = value(connection, MHD_GET_ARGUMENT_KIND, "ns");
  exchange->range = value(connection, MHD_HEADER_KIND, "Range");
  exchange->only_if = value(connection, MHD_HEADER_KIND, "If-Range");
  exchange->known_already = value(connection, MHD_HEADER_KIND, "If-None-Match");
  exchange->client = client_of(connection);
  return exchange;
}

MHD_Result queue(const Exchange& exchange, bool last, MHD_ContentReaderCallback read) {
  const auto& mhd = observe::mhd::library();
  auto* response = exchange.blob ? blob_response(exchange, read) : text_response(exchange.reply);
  if (response == nullptr) return MHD_NO;
  mhd.add_response_header(response, "Docker-Distribution-Api-Version", "registry/2.0");
  if (last) mhd.add_response_header(response, "Connection", "close");
  const auto queued = mhd.queue_response(exchange.connection, exchange.reply.status, response);
  mhd.destroy_response(response);
  return queued;
}

void give_up(Exchange& exchange, const base::Error& error) {
  exchange.blob.reset();
  const bool is_damaged = error.kind() == base::Kind::artifact;
  exchange.reply = {is_damaged ? 500U : 503U, kJson,
                    is_damaged ? error_body("UNKNOWN", "the stored image is damaged, the log says more")
                               : error_body("UNAVAILABLE", "the database does not answer: try again")};
}

void check(db::raw::Connection& db, base::Pulse& pulse) {
  db.query(sql::check, {}, pulse, base::Deadline::in(kCheckAnswer));
}

const char* name_of(Route::Kind kind) noexcept {
  switch (kind) {
    case Route::Kind::manifest: return "manifest";
    case Route::Kind::blob: return "blob";
    case Route::Kind::tags: return "tags";
    case Route::Kind::base: return "base";
    case Route::Kind::livez:
    case Route::Kind::readyz:
    case Route::Kind::metrics: return "probe";
    default: return "other";
  }
}

}  // namespace wrktalk::registry
