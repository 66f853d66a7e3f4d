// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/deadline.hpp"
#include "core/base/sha256.hpp"
#include "core/images/slice.hpp"
#include "core/observe/library.hpp"
#include "core/registry/request.hpp"

#include <optional>
#include <string>

namespace wrktalk::registry {

/// What is answered besides a blob.
struct Reply {
  unsigned status = 200;
  std::string type = "application/json";
  std::string body;
};

/// One request and its answer. While a worker has it, its connection is suspended and the server's thread does not touch it.
struct Exchange {
  enum class State { fresh, looking, ready, sending };

  MHD_Connection* connection = nullptr;
  void* server = nullptr;  ///< for libmicrohttpd, which hands out one pointer only
  base::BootClock::time_point began = base::BootClock::now();
  State state = State::fresh;
  bool refused = false;  ///< there was no room for it
  std::string method;
  std::string path;
  std::string client;  ///< its address
  Route route;
  std::string host;           ///< ns
  std::string range;          ///< the header Range
  std::string only_if;        ///< the header If-Range
  std::string known_already;  ///< the header If-None-Match

  Reply reply;  ///< its status is that of a blob, too
  std::optional<images::Blob> blob;
  ByteRange bytes;                   ///< of it, that are sent
  std::int64_t at = 0;               ///< what was handed to libmicrohttpd so far
  std::int64_t slice = 0;            ///< the most that is read at once
  std::string data;                  ///< the slice from `at` on
  std::optional<base::Sha256> hash;  ///< of a blob that is sent whole
  bool failed = false;               ///< the connection is to be closed

  bool is_head() const { return method == "HEAD"; }
};

/// Decides what of `blob` is sent, and with which status: all, a range, nothing.
void choose_bytes(Exchange& exchange);

/// Reads the next slice, and holds the digest against what was read when it is the last one. Throws Error(artifact), before the last bytes
/// are sent, when the blob is damaged: no client takes it for whole.
void read_next(Exchange& exchange, db::raw::Connection& db, base::Pulse& pulse);

}  // namespace wrktalk::registry
