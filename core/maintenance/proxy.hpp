// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/pulse.hpp"
#include "core/maintenance/settings.hpp"

#include <memory>
#include <optional>
#include <string>

namespace wrktalk::maintenance {

/// What tells one proxy from another, whichever agent asks it.
struct Identity {
  std::string text;    ///< "flag 5f0c…", "command /usr/local/sbin/site-open"; empty: nothing to compare
  bool unique = true;  ///< two proxies never have the same; else two machines that are set up alike have
};

/// The identity of no proxy at all: there is nothing to take down.
constexpr const char* kNoProxy = "none";

/// What answers 503 while the site is in maintenance.
///
/// All verbs drive the pulse and take seconds at most (a program: half a minute). They throw Error(configuration) for what an operator has to
/// set right, Error(child) for a program or proxy that failed or did not answer in time, and what the pulse throws.
class Proxy {
 public:
  virtual ~Proxy() = default;

  /// "flag file /tmp/maintenance-mode", "haproxy at /run/haproxy/admin.sock"
  virtual std::string name() const = 0;
  /// Again is fine, also after being killed in the middle. A flag file that another agent raised after `identity` was asked stays.
  virtual void show(bool on, base::Pulse& pulse) = 0;
  /// Whether it answers 503 now; nothing when it cannot be asked.
  virtual std::optional<bool> shown(base::Pulse& pulse) = 0;
  /// Whether it answers 503 and nothing in it says that an agent switched it.
  virtual bool shown_by_hand(base::Pulse& pulse) { return shown(pulse).value_or(false); }
  /// Whether a reload makes it forget what `show` told it.
  virtual bool may_forget() const { return false; }
  /// A flag file's is the mark in it, or the one that the next `show` of this object writes.
  virtual Identity identity(base::Pulse& pulse) = 0;
};

/// Throws Error(configuration) for settings that cannot work. Connects to nothing, starts nothing.
std::unique_ptr<Proxy> make_proxy(const Settings& settings);

/// The one that talks to haproxy's runtime API; `settings.haproxy_socket` is set.
std::unique_ptr<Proxy> make_haproxy(const Settings& settings);

/// The file whose presence makes nginx answer 503, as in v4.2. An agent that raises it writes a mark of its own into it.
std::unique_ptr<Proxy> make_flag_file(const Settings& settings);

}  // namespace wrktalk::maintenance
