// SPDX-License-Identifier: Apache-2.0
#include "core/maintenance/proxy.hpp"

#include "core/base/error.hpp"
#include "core/base/fd.hpp"
#include "core/maintenance/program.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace wrktalk::maintenance {
namespace {

using base::Error;
using base::Kind;

/// The file whose presence makes nginx answer 503, as in v4.2.
class FlagFile : public Proxy {
 public:
  explicit FlagFile(const Settings& settings) : path_(settings.flag_file), reload_(settings.reload) {}

  std::string name() const override { return "flag file " + path_; }

  void show(bool on, base::Pulse& pulse) override {
    on ? raise() : lower();
    // Though the file may have been there already: we may have been killed before the reload.
    if (!reload_.empty()) run_program(reload_, on, pulse);
  }

  std::optional<bool> shown(base::Pulse&) override {
    struct stat info {};
    if (::lstat(path_.c_str(), &info) == 0) return true;
    if (errno == ENOENT) return false;
    base::throw_errno(Kind::configuration, "cannot look at the maintenance flag " + path_,
                      "let this user look into its folder, or set WRKTALK_AGENT_MAINTENANCE_FLAG");
  }

 private:
  void raise() const {
    // A fixed name in a folder that anyone may write to: a link there is not followed.
    const base::Fd file(::open(path_.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0644));
    struct stat info {};
    if (!file || ::fstat(file.get(), &info) != 0) {
      base::throw_errno(Kind::configuration, "cannot make the maintenance flag " + path_,
                        "set WRKTALK_AGENT_MAINTENANCE_FLAG to a path this user may write");
    }
    if (!S_ISREG(info.st_mode)) {
      throw Error(Kind::configuration, "the maintenance flag " + path_ + " is not a file",
                  "set WRKTALK_AGENT_MAINTENANCE_FLAG to another path");
    }
  }

  void lower() const {
    if (::unlink(path_.c_str()) != 0 && errno != ENOENT) {
      base::throw_errno(Kind::configuration, "cannot remove the maintenance flag " + path_,
                        "remove it by hand: the proxy answers 503 while it is there");
    }
  }

  std::string path_;
  std::string reload_;
};

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

 private:
  std::string on_;
  std::string off_;
};

class None : public Proxy {
 public:
  std::string name() const override { return "no proxy"; }
  void show(bool, base::Pulse&) override {}
  std::optional<bool> shown(base::Pulse&) override { return std::nullopt; }
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
  return std::make_unique<FlagFile>(settings);
}

}  // namespace wrktalk::maintenance
