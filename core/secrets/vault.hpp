// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/secret.hpp"
#include "core/secrets/api.hpp"
#include "core/secrets/postgres.hpp"
#include "core/secrets/settings.hpp"

#include <chrono>
#include <optional>
#include <string>

/// PostgreSQL's credentials out of HashiCorp Vault or OpenBao.
namespace wrktalk::secrets {

/// One login to Vault and what it may read. A token that it got by logging in is revoked when the object goes; that takes
/// at most a few seconds and is a warning in the log when it fails.
///
/// Calls try again while Vault is away, sealed or asks to slow down, until `deadline`; at least once. They throw Error:
/// `configuration` for what was refused, with what to check; `connection_lost` for what may pass; and what the pulse throws.
class Vault {
 public:
  explicit Vault(Settings settings);
  Vault(const Vault&) = delete;
  Vault& operator=(const Vault&) = delete;
  ~Vault();

  /// Logs in, also when there is a login already: it is given up then.
  void log_in(base::Pulse& pulse, base::Deadline deadline);

  /// The fields of a secret at a path as `settings.path` is written. Logs in as `read` does.
  nlohmann::json fields(const std::string& path, base::Pulse& pulse, base::Deadline deadline);

  /// What the secret holds now. Logs in when that is not done, or when the login's token is refused.
  Variables read(base::Pulse& pulse, base::Deadline deadline);

  /// When two thirds of the login's lease are over; never without a login and for a token that does not end.
  base::Deadline renewal_due() const noexcept { return renewal_due_; }

  /// Renews the login, or logs in again when its renewals come to their end. When it throws, it is due again in 10 s.
  void renew(base::Pulse& pulse, base::Deadline deadline);

 private:
  Answer login_answer(base::Pulse& pulse, base::Deadline deadline);
  void hold(const std::string& token, const Lease& lease);
  void revoke() noexcept;
  Answer get(const std::string& path, base::Pulse& pulse, base::Deadline deadline);
  Answer approle_login(base::Pulse& pulse, base::Deadline deadline);
  Answer opened(Answer answer, base::Pulse& pulse, base::Deadline deadline) const;
  std::optional<Answer> unwrapped(const base::Secret& token, base::Pulse& pulse, base::Deadline deadline) const;

  Settings settings_;
  Api api_;
  base::Secret token_;
  bool given_ = false;  ///< the token was given to us: not ours to revoke
  Lease lease_;
  base::Deadline renewal_due_ = base::Deadline::never();
};

}  // namespace wrktalk::secrets
