// SPDX-License-Identifier: Apache-2.0
#include "core/base/error.hpp"
#include "core/base/files.hpp"
#include "core/base/text.hpp"
#include "core/log/log.hpp"
#include "core/maintenance/haproxy_socket.hpp"
#include "core/maintenance/haproxy_text.hpp"
#include "core/maintenance/proxy.hpp"

#include <algorithm>
#include <sys/stat.h>
#include <unistd.h>

namespace wrktalk::maintenance {
namespace {

using base::Error;
using base::Kind;

constexpr std::size_t kLargestMapFile = 16 * 1024 * 1024;

std::string hint_for(const std::string& answer) {
  if (answer.find("map identifier") != std::string::npos) {
    return "set WRKTALK_AGENT_HAPROXY_MAP to the map's path as haproxy's configuration names it (`show map` lists "
           "them)";
  }
  if (answer.find("No such") != std::string::npos || answer.find("find backend") != std::string::npos) {
    return "set WRKTALK_AGENT_HAPROXY_SERVERS to BACKEND/SERVER as haproxy's configuration names them";
  }
  if (answer.find("Permission denied") != std::string::npos) {
    return "give the socket `level admin` in haproxy's configuration (`stats socket`)";
  }
  return "try the command by hand (man wrktalk-maintenance)";
}

/// By the value of a map's key, by servers' state, or both.
class HAProxy : public Proxy {
 public:
  explicit HAProxy(const Settings& settings)
      : socket_(settings.haproxy_socket), map_(settings.haproxy_map), key_(settings.haproxy_key) {
    if (socket_.find('/') == std::string::npos && socket_.find(':') == std::string::npos) {
      refuse("WRKTALK_AGENT_HAPROXY_SOCKET", socket_, "give the socket's path, or HOST:PORT");
    }
    if (map_.empty() && settings.haproxy_servers.empty()) {
      throw Error(Kind::configuration, "haproxy's socket is set, but nothing that is to be switched there",
                  "set WRKTALK_AGENT_HAPROXY_MAP, WRKTALK_AGENT_HAPROXY_SERVERS, or both");
    }
    if (!is_word(map_)) refuse("WRKTALK_AGENT_HAPROXY_MAP", map_, "give a path without blanks");
    if (key_.empty() || !is_word(key_)) refuse("WRKTALK_AGENT_HAPROXY_KEY", key_, "give one word");
    for (const auto& name : settings.haproxy_servers) {
      const auto parts = base::split(name, '/');
      if (parts.size() != 2 || parts[0].empty() || parts[1].empty() || !is_word(name)) {
        refuse("WRKTALK_AGENT_HAPROXY_SERVERS", name, "give BACKEND/SERVER, several with commas between");
      }
      servers_.push_back({parts[0], parts[1]});
    }
  }

  std::string name() const override { return "haproxy at " + socket_; }

  void show(bool on, base::Pulse& pulse) override {
    if (!map_.empty()) switch_map(on, pulse);
    for (const auto& server : servers_) {
      tell("set server " + server.backend + "/" + server.name + " state " + (on ? "maint" : "ready"), pulse);
    }
    if (shown(pulse) != on) {
      throw Error(Kind::configuration,
                  name() + " took the commands, but is not " + (on ? "in" : "out of") + " maintenance",
                  "see what else switches it: `show map`, `show servers state`");
    }
  }

  std::optional<bool> shown(base::Pulse& pulse) override {
    if (!map_.empty() && value_in_memory(pulse) == "on") return true;
    return !servers_.empty() && std::all_of(servers_.begin(), servers_.end(),
                                            [&](const Server& server) { return is_in_maintenance(server, pulse); });
  }

  bool may_forget() const override { return true; }

  /// By haproxy's own name of its machine, which is the same from whatever machine or container it is asked.
  Identity identity(base::Pulse& pulse) override {
    if (identity_.empty()) {
      const std::string node = info_value(ask_haproxy(socket_, "show info", pulse), "node").value_or("");
      if (node.empty()) return {};
      identity_ = name() + " on " + node + " " + map_ + " " + key_;
      for (const auto& server : servers_) identity_ += " " + server.backend + "/" + server.name;
    }
    return {identity_};
  }

 private:
  struct Server {
    std::string backend;
    std::string name;
  };

  /// The runtime API ends a word at a blank, a command at a semicolon or line end, and takes a backslash for itself.
  static bool is_word(const std::string& text) {
    return std::none_of(text.begin(), text.end(), [](char c) { return c <= ' ' || c == ';' || c == '\\' || c == 127; });
  }

  [[noreturn]] static void refuse(const char* variable, const std::string& value, const char* hint) {
    throw Error(Kind::configuration, std::string(variable) + ": '" + base::one_line(value) + "' cannot be", hint);
  }

  [[noreturn]] void answered(const std::string& command, const std::string& answer) const {
    throw Error(Kind::configuration,
                name() + " answered `" + command + "` with: " + base::one_line(base::scrub_utf8(answer)),
                hint_for(answer));
  }

  /// A command that answers nothing when it worked.
  void tell(const std::string& command, base::Pulse& pulse) const {
    const std::string answer = ask_haproxy(socket_, command, pulse);
    if (!answer.empty()) answered(command, answer);
  }

  std::optional<std::string> value_in_memory(base::Pulse& pulse) const {
    const std::string command = "show map " + map_;
    const std::string answer = ask_haproxy(socket_, command, pulse);
    if (!answer.empty() && !base::starts_with(answer, "0x")) answered(command, answer);
    return map_value(answer, key_);
  }

  bool is_in_maintenance(const Server& server, base::Pulse& pulse) const {
    const std::string command = "show servers state " + server.backend;
    const std::string answer = ask_haproxy(socket_, command, pulse);
    const auto state = in_forced_maintenance(answer, server.name);
    if (!state) answered(command, base::starts_with(answer, "1\n") ? "No such server." : answer);
    return *state;
  }

  void switch_map(bool on, base::Pulse& pulse) const {
    const std::string value = on ? "on" : "off";
    const bool known = value_in_memory(pulse).has_value();
    tell((known ? "set map " : "add map ") + map_ + " " + key_ + " " + value, pulse);
    keep_in_file(value);
  }

  /// haproxy changes the map in memory alone: without this a reload would forget it. Where the file is not on this machine, or is not ours
  /// to write, maintenance is shown all the same.
  void keep_in_file(const std::string& value) const {
    try {
      const auto content = base::read_file_if_exists(map_, kLargestMapFile);
      if (!content) return;
      const std::string changed = with_map_value(*content, key_, value);
      struct stat info {};
      if (changed == *content || ::stat(map_.c_str(), &info) != 0) return;
      const std::string file = base::canonical(map_);
      base::write_file(file, changed, info.st_mode & 07777);
      if (::geteuid() == 0 && ::chown(file.c_str(), info.st_uid, info.st_gid) != 0) {
        base::throw_errno(Kind::failed, "cannot give " + file + " back to its owner");
      }
    } catch (const Error& e) {
      log::warn("maintenance.map_file", std::string(e.what()) + ": haproxy forgets the change when it is reloaded",
                {{"hint", "let this user write the map's file and its folder"}});
    }
  }

  std::string socket_;
  std::string map_;
  std::string key_;
  std::vector<Server> servers_;
  std::string identity_;
};

}  // namespace

std::unique_ptr<Proxy> make_haproxy(const Settings& settings) { return std::make_unique<HAProxy>(settings); }

}  // namespace wrktalk::maintenance
