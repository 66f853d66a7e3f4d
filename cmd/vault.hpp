// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cmd/app.hpp"
#include "core/agent/credentials.hpp"
#include "core/secrets/vault.hpp"

namespace wrktalk::cmd {

/// What core/secrets needs to know. Throws Error(configuration) for what is missing, and when verification is to be skipped
/// but was not said to be so twice.
secrets::Settings vault_settings(const config::Vault& vault);

/// With --vault: a login to Vault, and settings that hold what it gave.
class VaultLogin : public agent::Credentials {
 public:
  /// Logs in, reads the credentials and decides `env`'s settings anew. `env` outlives this.
  VaultLogin(Env& env, config::Inputs inputs);

  db::ConnectionSettings fresh() override;
  base::Deadline due() const noexcept override { return vault_.renewal_due(); }
  void keep() noexcept override;

 private:
  void take(const secrets::Variables& variables);

  Env& env_;
  config::Inputs inputs_;
  secrets::Vault vault_;
};

}  // namespace wrktalk::cmd
