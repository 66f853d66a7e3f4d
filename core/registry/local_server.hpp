// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/registry/database.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace wrktalk::registry {

/// What `serve` serves, at a port of its own of 127.0.0.1, by a thread, for as long as it lives. Requests are logged as debug.
class LocalServer {
 public:
  explicit LocalServer(Database::Login database);
  LocalServer(const LocalServer&) = delete;
  LocalServer& operator=(const LocalServer&) = delete;
  /// Answers under way are broken off.
  ~LocalServer();

  std::string address() const;  ///< "127.0.0.1:40001"
  std::uint64_t sent() const;   ///< bytes of blobs and manifests
  /// What a client was refused for: a blob that is damaged. Empty: nothing.
  std::string damage() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wrktalk::registry
