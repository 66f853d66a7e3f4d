// SPDX-License-Identifier: Apache-2.0
#include "core/base/error.hpp"

#include <cerrno>
#include <system_error>
#include <utility>

namespace wrktalk::base {

ExitCode exit_code(Kind kind) noexcept {
  switch (kind) {
    case Kind::failed: return ExitCode::failed;
    case Kind::usage: return ExitCode::usage;
    case Kind::difference: return ExitCode::difference;
    case Kind::busy: return ExitCode::busy;
    case Kind::configuration: return ExitCode::configuration;
    case Kind::database: return ExitCode::failed;
    case Kind::connection_lost: return ExitCode::database;
    case Kind::unavailable: return ExitCode::database;
    case Kind::artifact: return ExitCode::artifact;
    case Kind::child: return ExitCode::child;
    case Kind::put_back: return ExitCode::put_back;
    case Kind::not_put_back: return ExitCode::not_put_back;
    case Kind::lease_lost: return ExitCode::failed;
    case Kind::cancelled: return ExitCode::failed;
    case Kind::interrupted: return ExitCode::interrupted;
    case Kind::terminated: return ExitCode::terminated;
  }
  return ExitCode::failed;
}

Error::Error(Kind kind, const std::string& what, std::string hint)
    : std::runtime_error(what), kind_(kind), hint_(std::move(hint)) {}

void Error::add_context(const std::string& context) {
  // A runtime_error cannot change its text, but it can be assigned another one.
  static_cast<std::runtime_error&>(*this) = std::runtime_error(context + ": " + what());
}

void throw_errno(Kind kind, const std::string& what, const std::string& hint) {
  const int error = errno;
  throw Error(kind, what + ": " + std::generic_category().message(error), hint);
}

}  // namespace wrktalk::base
