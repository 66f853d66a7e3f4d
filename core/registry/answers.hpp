// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/error.hpp"
#include "core/registry/exchange.hpp"

#include <memory>
#include <string>

namespace wrktalk::registry {

constexpr const char* kJson = "application/json";
constexpr const char* kPlain = "text/plain; charset=utf-8";

/// What libmicrohttpd has read of a request.
std::unique_ptr<Exchange> read_request(MHD_Connection* connection, const char* method, const char* path);

/// Queues the answer: a blob's bytes, which `read` gives, or what is in `reply`. `last`: the connection is closed afterwards.
MHD_Result queue(const Exchange& exchange, bool last, MHD_ContentReaderCallback read);

/// What is answered when the database or a blob fails before the answer has begun.
void give_up(Exchange& exchange, const base::Error& error);

/// Fails when the database cannot serve: away, or without the tables.
void check(db::raw::Connection& db, base::Pulse& pulse);

/// For metrics: "manifest", "blob".
const char* name_of(Route::Kind kind) noexcept;

}  // namespace wrktalk::registry
