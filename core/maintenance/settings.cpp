// SPDX-License-Identifier: Apache-2.0
#include "core/maintenance/settings.hpp"

namespace wrktalk::maintenance {
namespace {

using namespace settings;

constexpr Choices<Handler, 4> kHandlers = {
    {{"nginx", Handler::nginx}, {"haproxy", Handler::haproxy}, {"command", Handler::command}, {"none", Handler::none}}};

// clang-format off
constexpr Field<Settings> kFields[] = {
    {{"maintenance.handler", "WRKTALK_AGENT_MAINTENANCE_MODE_HANDLER", "", "--maintenance-mode-handler", "nginx", Form::value, "What answers 503 meanwhile: nginx, haproxy, command or none"},
     choice<&Settings::handler, kHandlers>},
    {{"maintenance.flag", "WRKTALK_AGENT_MAINTENANCE_FLAG", "", "--maintenance-flag", "/tmp/maintenance-mode", Form::value, "File that exists while maintenance is on: nginx, and haproxy without a socket"},
     path<&Settings::flag_file>},
    {{"maintenance.reload", "WRKTALK_AGENT_MAINTENANCE_RELOAD", "", "--maintenance-reload", "", Form::value, "Program to run after that file changed, for a proxy that needs a reload"},
     program<&Settings::reload>},
    {{"maintenance.on", "WRKTALK_AGENT_MAINTENANCE_ON", "", "--maintenance-on", "", Form::value, "Handler command: program that switches maintenance on"},
     program<&Settings::on_program>},
    {{"maintenance.off", "WRKTALK_AGENT_MAINTENANCE_OFF", "", "--maintenance-off", "", Form::value, "Handler command: program that switches it off"},
     program<&Settings::off_program>},
    {{"maintenance.probe", "WRKTALK_AGENT_MAINTENANCE_PROBE", "", "--maintenance-probe", "", Form::value, "Address of the site, http:// or https://, that `maintenance on` and `off` ask what it really answers; empty: none"},
     text<&Settings::probe>},
    {{"haproxy.socket", "WRKTALK_AGENT_HAPROXY_SOCKET", "", "--haproxy-socket", "", Form::value, "Runtime API of haproxy: a socket's path, or HOST:PORT; when empty the flag file is used"},
     text<&Settings::haproxy_socket>},
    {{"haproxy.map", "WRKTALK_AGENT_HAPROXY_MAP", "", "--haproxy-map", "", Form::value, "Map as haproxy's configuration names it, in which the key is on or off"},
     text<&Settings::haproxy_map>},
    {{"haproxy.key", "WRKTALK_AGENT_HAPROXY_KEY", "", "--haproxy-key", "maintenance", Form::value, "Key in that map"},
     text<&Settings::haproxy_key>},
    {{"haproxy.servers", "WRKTALK_AGENT_HAPROXY_SERVERS", "", "--haproxy-servers", "", Form::value, "Servers as BACKEND/SERVER, with commas, that are in state maint meanwhile"},
     list<&Settings::haproxy_servers>},
    {{"agent.id"}, text<&Settings::agent_id>},
};
// clang-format on

}  // namespace

settings::Fields<Settings> setting_fields() noexcept { return kFields; }

}  // namespace wrktalk::maintenance
