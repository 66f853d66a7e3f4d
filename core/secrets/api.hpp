// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/deadline.hpp"
#include "core/base/error.hpp"
#include "core/base/pulse.hpp"
#include "core/base/secret.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <string>
#include <vector>

/// Vault's HTTP API: one request and its answer.
namespace wrktalk::secrets {

struct Server {
  std::string address;     ///< VAULT_ADDR: http:// or https://, perhaps with a path
  std::string namespace_;  ///< empty: the root namespace
  std::string ca_file;     ///< empty: the system's
  bool verify = true;
  std::vector<std::string> plain_hosts{};  ///< as http::Options has it
};

struct Answer {
  int status = 0;
  nlohmann::json body;  ///< null when there is none
  std::string errors;   ///< the body's "errors", joined, on one line

  bool good() const noexcept { return status >= 200 && status < 300; }
};

/// How long a token lives.
struct Lease {
  std::chrono::seconds duration{0};  ///< zero: without end
  bool renewable = false;
  bool batch = false;  ///< a batch token: it can be neither renewed nor revoked
};

class Api {
 public:
  /// Throws Error(configuration) for an address that is none.
  explicit Api(Server server);

  /// One request below /v1/. Connection errors, 5xx, 429 and an engine that is being upgraded are tried again, with growing pauses, until
  /// `deadline` and at least once; then thrown as `connection_lost`. Everything else is an answer, but for a redirect and
  /// what does not look like Vault's: Error(configuration). No connection is kept. `wrapped`: the answer may hold what
  /// was asked for in a wrapping token.
  enum class Wrapping { none, wrapped };
  Answer call(const std::string& method, const std::string& path, const base::Secret& token, const nlohmann::json& body,
              base::Pulse& pulse, base::Deadline deadline, Wrapping wrapping = Wrapping::none) const;

  /// "Vault at HOST:PORT, namespace NAME", for messages.
  const std::string& name() const noexcept { return name_; }

  /// "NAME: WHAT: STATUS, ERRORS".
  base::Error refusal(const std::string& what, const Answer& answer, const std::string& hint) const;

 private:
  Server server_;
  std::string name_;
};

}  // namespace wrktalk::secrets
