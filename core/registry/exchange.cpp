// SPDX-License-Identifier: Apache-2.0
#include "core/registry/exchange.hpp"

#include "core/base/error.hpp"

namespace wrktalk::registry {

void choose_bytes(Exchange& exchange) {
  const auto& blob = *exchange.blob;
  const std::string tag = "\"" + blob.digest + "\"";
  exchange.reply.status = 200;
  exchange.bytes = {0, blob.size};
  if (!exchange.known_already.empty() && exchange.known_already.find(tag) != std::string::npos) {
    exchange.reply.status = 304;
    exchange.bytes = {};
    return;
  }
  const bool wants_range = !exchange.is_head() && (exchange.only_if.empty() || exchange.only_if == tag);
  const auto wish = wants_range ? parse_range(exchange.range, blob.size) : std::nullopt;
  if (wish) {
    exchange.reply.status = wish->satisfiable ? 206 : 416;
    exchange.bytes = wish->satisfiable ? wish->bytes : ByteRange{};
  }
  exchange.at = exchange.bytes.from;
  exchange.ahead.from = exchange.at;
  exchange.ahead.hash.reset();
  if (exchange.reply.status == 200 && !exchange.is_head()) exchange.ahead.hash.emplace();
}

void read_next(Exchange& exchange, db::raw::Connection& db, base::Pulse& pulse) {
  const images::Blob part{exchange.blob->digest, "", exchange.bytes.to};
  auto& ahead = exchange.ahead;
  const std::int64_t end = images::slice_end(part, ahead.from, exchange.slice);
  std::string data = images::read_slice(db, part, ahead.from, end, pulse);
  if (ahead.hash) {
    ahead.hash->update(data.data(), data.size());
    if (end == exchange.bytes.to) {
      const std::string found = "sha256:" + ahead.hash->hex();
      ahead.hash.reset();
      if (found != part.digest) {
        throw base::Error(base::Kind::artifact,
                          "image blob " + part.digest + " is damaged: what is stored has the digest " + found,
                          "`wrktalk release verify --all` names the releases that need it; add one of them again with "
                          "its images");
      }
    }
  }
  ahead.data = std::move(data);
  ahead.from = end;
}

}  // namespace wrktalk::registry
