// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/backup/tools.hpp"
#include "core/base/fd.hpp"
#include "core/base/files.hpp"
#include "core/base/pulse.hpp"
#include "core/db/raw.hpp"
#include "core/db/settings.hpp"
#include "core/exec/background.hpp"
#include "core/exec/fence.hpp"

#include <memory>

namespace wrktalk::backup {

/// Ends the private servers of this user whose owners were killed, and removes their folders. Throws what the pulse throws.
void sweep_private_servers(base::Pulse& pulse);

/// A PostgreSQL server of our own in a temporary folder, on a unix socket alone. It ends with the object, and soon after us
/// when we are killed; what is left of it then, `sweep_private_servers` takes. Whoever uses it drives it as a Pulse.
class PrivateServer : public base::Pulse {
 public:
  /// Throws Error(configuration) when there is no initdb, or when it refuses to run as root.
  PrivateServer(const Tools& tools, base::Pulse& outer);

  const db::ConnectionSettings& settings() const noexcept { return settings_; }

  base::Deadline watch(std::vector<pollfd>& fds) override;
  void tick() override;

 private:
  void await_start();

  base::Pulse& outer_;
  base::TempDir folder_;
  base::Fd lock_;  ///< held as long as we live: says that the folder is in use
  exec::Fence fence_;
  base::Deadline renew_at_ = base::Deadline::never();
  db::ConnectionSettings settings_;
  std::unique_ptr<exec::Background> server_;
};

}  // namespace wrktalk::backup
