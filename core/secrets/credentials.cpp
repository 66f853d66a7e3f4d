// SPDX-License-Identifier: Apache-2.0
#include "core/secrets/credentials.hpp"

#include "core/log/log.hpp"
#include "core/secrets/vault.hpp"

#include <utility>

namespace wrktalk::secrets {
namespace {

using base::Deadline;

/// How long an agent that has other things to do waits for Vault.
constexpr std::chrono::seconds kPatience{3};

/// A password that lies in a file (a Secret's volume, pg_env.sh) may be another one by now.
class FromFiles : public Credentials {
 public:
  explicit FromFiles(ReadSettings read_settings) : read_settings_(std::move(read_settings)) {}

  db::ConnectionSettings fresh() override { return read_settings_({}); }
  Deadline due() const noexcept override { return Deadline::never(); }
  void keep() noexcept override {}

 private:
  ReadSettings read_settings_;
};

class FromVault : public Credentials {
 public:
  FromVault(const Settings& settings, ReadSettings read_settings, base::Pulse& pulse)
      : vault_(checked(settings)), read_settings_(std::move(read_settings)) {
    read_settings_(vault_.read(pulse, Deadline::in(settings.timeout)));
  }

  db::ConnectionSettings fresh() override {
    base::NoPulse pulse;
    return read_settings_(vault_.read(pulse, Deadline::in(kPatience)));
  }
  Deadline due() const noexcept override { return vault_.renewal_due(); }
  void keep() noexcept override {
    try {
      base::NoPulse pulse;
      vault_.renew(pulse, Deadline::in(kPatience));
    } catch (const std::exception& e) {
      log::warn("vault.not_renewed", e.what());
    }
  }

 private:
  Vault vault_;
  ReadSettings read_settings_;
};

}  // namespace

std::unique_ptr<Credentials> make_credentials(const Settings& settings, ReadSettings read_settings,
                                              base::Pulse& pulse) {
  if (settings.use) return std::make_unique<FromVault>(settings, std::move(read_settings), pulse);
  return std::make_unique<FromFiles>(std::move(read_settings));
}

}  // namespace wrktalk::secrets
