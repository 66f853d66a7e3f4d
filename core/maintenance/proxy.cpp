// SPDX-License-Identifier: Apache-2.0
#include "core/maintenance/proxy.hpp"

#include "core/base/error.hpp"
#include "core/maintenance/program.hpp"

namespace wrktalk::maintenance {
namespace {

using base::Error;
using base::Kind;

/// The operator's own programs.
class Command : public Proxy {
 public:
  explicit Command(const Settings& settings) : on_(settings.on_program), off_(settings.off_program) {
    if (on_.empty() || off_.empty()) {
      throw Error(Kind::configuration, "the maintenance handler `command` needs two programs",
                  "set WRKTALK_AGENT_MAINTENANCE_ON and WRKTALK_AGENT_MAINTENANCE_OFF");
    }
  }
  std::string name() const override { return "command"; }
  void show(bool on, base::Pulse& pulse) override { run_program(on ? on_ : off_, on, pulse); }
  std::optional<bool> shown(base::Pulse&) override { return std::nullopt; }
  Identity identity(base::Pulse&) override { return {"command " + off_, false}; }

 private:
  std::string on_;
  std::string off_;
};

class None : public Proxy {
 public:
  std::string name() const override { return "no proxy"; }
  void show(bool, base::Pulse&) override {}
  std::optional<bool> shown(base::Pulse&) override { return std::nullopt; }
  Identity identity(base::Pulse&) override { return {kNoProxy}; }
};

}  // namespace

std::unique_ptr<Proxy> make_proxy(const Settings& settings) {
  switch (settings.handler) {
    case Handler::none: return std::make_unique<None>();
    case Handler::command: return std::make_unique<Command>(settings);
    case Handler::haproxy:
      if (!settings.haproxy_socket.empty()) return make_haproxy(settings);
      break;
    case Handler::nginx: break;
  }
  return make_flag_file(settings);
}

}  // namespace wrktalk::maintenance
