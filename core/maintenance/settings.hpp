// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/settings/fields.hpp"

#include <string>
#include <vector>

namespace wrktalk::maintenance {

enum class Handler { none, nginx, haproxy, command };

/// What shows the maintenance on this machine, and how it is switched.
struct Settings {
  Handler handler = Handler::nginx;
  std::string agent_id;                             ///< tells this machine's windows from those of others
  std::string flag_file = "/tmp/maintenance-mode";  ///< nginx, and haproxy without a socket: 503 while it exists
  std::string reload;                               ///< program to run after the flag file changed; empty: none
  std::string probe;                                ///< the site's address; empty: it is not asked
  std::string haproxy_socket;                       ///< runtime API: a path, or HOST:PORT; empty: the flag file
  std::string haproxy_map;                          ///< the map as haproxy's configuration names it; empty: none
  std::string haproxy_key = "maintenance";          ///< its key: "on" while in maintenance, else "off"
  std::vector<std::string> haproxy_servers;         ///< BACKEND/SERVER, put into state maint meanwhile
  std::string on_program;                           ///< handler `command`
  std::string off_program;
};

/// The sections `maintenance` and `haproxy`.
settings::Fields<Settings> setting_fields() noexcept;

}  // namespace wrktalk::maintenance
