// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/pulse.hpp"
#include "core/maintenance/settings.hpp"

#include <memory>
#include <optional>
#include <string>

namespace wrktalk::maintenance {

/// What answers 503 while the site is in maintenance.
///
/// Both verbs drive the pulse and take seconds at most (a program: half a minute). They throw Error(configuration) for what an operator has to
/// set right, Error(child) for a program or proxy that failed or did not answer in time, and what the pulse throws.
class Proxy {
 public:
  virtual ~Proxy() = default;

  /// "flag file /tmp/maintenance-mode", "haproxy at /run/haproxy/admin.sock"
  virtual std::string name() const = 0;
  /// Again is fine, also after being killed in the middle.
  virtual void show(bool on, base::Pulse& pulse) = 0;
  /// Whether it answers 503 now; nothing when it cannot be asked.
  virtual std::optional<bool> shown(base::Pulse& pulse) = 0;
};

/// Throws Error(configuration) for settings that cannot work. Connects to nothing, starts nothing.
std::unique_ptr<Proxy> make_proxy(const Settings& settings);

/// The one that talks to haproxy's runtime API; `settings.haproxy_socket` is set.
std::unique_ptr<Proxy> make_haproxy(const Settings& settings);

}  // namespace wrktalk::maintenance
