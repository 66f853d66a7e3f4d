// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/deadline.hpp"
#include "core/base/error.hpp"
#include "core/base/sha256.hpp"
#include "core/images/slice.hpp"
#include "core/observe/library.hpp"
#include "core/registry/request.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace wrktalk::registry {

/// What is answered besides a blob.
struct Reply {
  unsigned status = 200;
  std::string type = "application/json";
  std::string body;
};

/// One request and its answer. It belongs to the server's thread. What is asked for is looked up by a worker while the connection is suspended; later a worker has `ahead`
/// alone, and reads what is fixed by then.
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
  ByteRange bytes;          ///< of it, that are sent
  std::int64_t at = 0;      ///< what was handed to libmicrohttpd so far
  std::int64_t slice = 0;   ///< the most that is read at once
  std::string data;         ///< the slice that is sent now
  std::size_t data_at = 0;  ///< of it, what was handed to libmicrohttpd

  /// The next slice. A worker's while `reading`.
  struct Ahead {
    std::string data;                  ///< empty: not read yet
    std::int64_t from = 0;             ///< where the one after it begins
    std::optional<base::Sha256> hash;  ///< of a blob that is sent whole
    std::optional<base::Error> error;  ///< why there is no more
  };
  Ahead ahead;
  bool reading = false;
  bool waits = false;  ///< the connection is suspended until the worker is done
  bool gone = false;   ///< the connection has ended meanwhile

  bool is_head() const { return method == "HEAD"; }
  std::string_view left() const { return std::string_view(data).substr(data_at); }
  void next_slice() {
    data = std::move(ahead.data);
    ahead.data.clear();
    data_at = 0;
  }
};

/// Decides what of `blob` is sent, and with which status: all, a range, nothing.
void choose_bytes(Exchange& exchange);

/// Reads the next slice into `ahead`, and holds the digest against what was read when it is the last one. Throws Error(artifact), before the last bytes
/// are sent, when the blob is damaged: no client takes it for whole.
void read_next(Exchange& exchange, db::raw::Connection& db, base::Pulse& pulse);

}  // namespace wrktalk::registry
