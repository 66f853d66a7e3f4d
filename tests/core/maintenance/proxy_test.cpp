// SPDX-License-Identifier: Apache-2.0
#include "core/maintenance/proxy.hpp"

#include "core/base/error.hpp"
#include "core/base/fd.hpp"
#include "core/base/files.hpp"
#include "core/maintenance/maintenance.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

using namespace wrktalk;
using base::Error;
using base::Kind;
using maintenance::Handler;

namespace {

struct Fixture {
  Fixture() { settings.flag_file = folder.path() + "/flag"; }

  /// A program that appends what it is told to `log`, and exits with `status`.
  std::string program(const std::string& name, int status) {
    const std::string path = folder.path() + "/" + name;
    std::ofstream(path) << "#!/bin/sh\necho \"$WRKTALK_MAINTENANCE ${SECRET:-none}\" >>" << folder.path()
                        << "/log\nexit " << status << "\n";
    ::chmod(path.c_str(), 0755);
    return path;
  }
  std::string log() { return base::read_file(folder.path() + "/log", 4096); }
  void show(bool on) { maintenance::make_proxy(settings)->show(on, pulse); }
  std::optional<bool> shown() { return maintenance::make_proxy(settings)->shown(pulse); }

  std::ptrdiff_t entries() { return std::distance(std::filesystem::directory_iterator(folder.path()), {}); }

  Error error_of_show(bool on) {
    try {
      show(on);
    } catch (const Error& e) {
      return e;
    }
    FAIL("nothing was thrown");
    throw std::logic_error("not reached");
  }

  base::TempDir folder{base::temporary_parent(), "proxy-"};
  maintenance::Settings settings;
  base::NoPulse pulse;
};

/// Takes connections and never answers: what a real haproxy does only when it hangs.
base::Fd silent_socket(const std::string& path) {
  base::Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::memcpy(name.sun_path, path.c_str(), path.size() + 1);
  REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0);
  REQUIRE(::listen(socket.get(), 1) == 0);
  return socket;
}

/// What goes on meanwhile.
struct Counting : base::Pulse {
  base::Deadline watch(std::vector<pollfd>&) override { return base::Deadline::in(std::chrono::milliseconds(100)); }
  void tick() override { ++ticks; }
  int ticks = 0;
};

}  // namespace

TEST_SUITE("maintenance::Proxy") {
  TEST_CASE("the flag file comes and goes, and a reload follows each change") {
    Fixture f;
    f.settings.reload = f.program("reload", 0);
    f.show(true);
    CHECK(f.shown() == true);
    f.show(false);
    CHECK(f.shown() == false);
    CHECK(f.log() == "on none\noff none\n");
  }

  TEST_CASE("a flag file is known by the mark in it, from whatever path") {
    Fixture f;
    auto raised = maintenance::make_proxy(f.settings);
    const auto before = raised->identity(f.pulse);
    raised->show(true, f.pulse);
    CHECK(raised->identity(f.pulse).text == before.text);
    CHECK_FALSE(raised->shown_by_hand(f.pulse));
    REQUIRE(::link(f.settings.flag_file.c_str(), (f.folder.path() + "/other").c_str()) == 0);
    f.settings.flag_file = f.folder.path() + "/other";
    CHECK(maintenance::make_proxy(f.settings)->identity(f.pulse).text == before.text);
    CHECK(maintenance::make_proxy(f.settings)->identity(f.pulse).unique);
    CHECK(base::read_file(f.settings.flag_file, 4096).rfind("wrktalk window ", 0) == 0);
    struct stat info {};
    REQUIRE(::stat(f.settings.flag_file.c_str(), &info) == 0);
    CHECK((info.st_mode & 0444) == 0444);
  }

  TEST_CASE("a flag file that was put there by hand is no one's, and stays as it is") {
    Fixture f;
    std::ofstream(f.settings.flag_file) << "wrktalk window of mine";
    auto proxy = maintenance::make_proxy(f.settings);
    CHECK(proxy->identity(f.pulse).text.empty());
    CHECK(proxy->shown_by_hand(f.pulse));
    proxy->show(true, f.pulse);
    CHECK(base::read_file(f.settings.flag_file, 4096) == "wrktalk window of mine");
    proxy->show(false, f.pulse);
    CHECK(f.shown() == false);
  }

  TEST_CASE("a flag file that another agent has raised since is left alone, and ours comes back with its mark") {
    Fixture f;
    auto late = maintenance::make_proxy(f.settings);
    late->show(true, f.pulse);
    const auto mark = late->identity(f.pulse).text;
    late->show(false, f.pulse);
    f.show(true);
    late->show(false, f.pulse);
    CHECK(f.shown() == true);
    f.show(false);
    late->show(true, f.pulse);
    CHECK(late->identity(f.pulse).text == mark);
  }

  TEST_CASE(
      "a flag file in a sticky folder that this user could not remove again is refused before anything is touched") {
    if (::geteuid() != 0) {
      MESSAGE("SKIP: only root becomes another user");
      return;
    }
    Fixture f;
    f.show(true);
    ::chmod(f.folder.path().c_str(), 01777);
    REQUIRE(::seteuid(12'345) == 0);
    const Error error = f.error_of_show(true);
    REQUIRE(::seteuid(0) == 0);
    CHECK(error.kind() == Kind::configuration);
    CHECK(std::string(error.what()).find(f.settings.flag_file + " belongs to the user with id 0, and in ") !=
          std::string::npos);
    ::chmod(f.folder.path().c_str(), 0777);
    REQUIRE(::seteuid(12'345) == 0);
    CHECK_NOTHROW(f.show(true));
    CHECK_NOTHROW(f.show(false));
    REQUIRE(::seteuid(0) == 0);
  }

  TEST_CASE("two agents that raise one flag file at once agree on its mark") {
    Fixture f;
    auto one = maintenance::make_proxy(f.settings);
    auto other = maintenance::make_proxy(f.settings);
    CHECK(one->identity(f.pulse).text != other->identity(f.pulse).text);
    one->show(true, f.pulse);
    other->show(true, f.pulse);
    CHECK(one->identity(f.pulse).text == other->identity(f.pulse).text);
    CHECK(f.entries() == 1);
  }

  TEST_CASE("programs are known by their path, which two machines may share") {
    Fixture f;
    f.settings.handler = Handler::command;
    f.settings.on_program = "/bin/true";
    f.settings.off_program = "/bin/false";
    const auto identity = maintenance::make_proxy(f.settings)->identity(f.pulse);
    CHECK(identity.text == "command /bin/false");
    CHECK_FALSE(identity.unique);
  }

  TEST_CASE("haproxy without a socket has the flag file, as in v4.2") {
    Fixture f;
    f.settings.handler = Handler::haproxy;
    f.show(true);
    CHECK(base::exists(f.settings.flag_file));
  }

  TEST_CASE("the handler none does nothing") {
    Fixture f;
    f.settings.handler = Handler::none;
    f.show(true);
    CHECK_FALSE(base::exists(f.settings.flag_file));
    CHECK_FALSE(f.shown());
  }

  TEST_CASE("the operator's programs are run, without our environment; their exit code counts") {
    Fixture f;
    ::setenv("SECRET", "hidden", 1);
    f.settings.handler = Handler::command;
    f.settings.on_program = f.program("on", 0);
    f.settings.off_program = f.program("off", 3);
    f.show(true);
    CHECK(f.log() == "on none\n");
    const Error error = f.error_of_show(false);
    CHECK(error.kind() == Kind::child);
    CHECK(std::string(error.what()).find("/off exited with status 3") != std::string::npos);
    f.settings.on_program = f.folder.path() + "/missing";
    CHECK(f.error_of_show(true).kind() == Kind::configuration);
    ::unsetenv("SECRET");
  }

  TEST_CASE("a program that others may write to is refused at once, and is not run") {
    Fixture f;
    f.settings.handler = Handler::command;
    f.settings.on_program = f.program("on", 0);
    f.settings.off_program = f.program("off", 0);
    ::chmod(f.settings.on_program.c_str(), 0757);
    CHECK_THROWS_AS(maintenance::check(f.settings), Error);
    const Error error = f.error_of_show(true);
    CHECK(error.kind() == Kind::configuration);
    CHECK(error.hint() == "run chmod o-w " + f.settings.on_program);
    CHECK_FALSE(base::exists(f.folder.path() + "/log"));
  }

  TEST_CASE("settings that cannot work are refused at once") {
    Fixture f;
    const auto refused = [&](const std::string& part) {
      try {
        maintenance::make_proxy(f.settings);
      } catch (const Error& e) {
        CHECK(e.kind() == Kind::configuration);
        CHECK_FALSE(e.hint().empty());
        return (std::string(e.what()) + e.hint()).find(part) != std::string::npos;
      }
      return false;
    };
    f.settings.handler = Handler::command;
    CHECK(refused("WRKTALK_AGENT_MAINTENANCE_ON"));
    f.settings.handler = Handler::haproxy;
    f.settings.haproxy_socket = "/run/haproxy.sock";
    CHECK(refused("WRKTALK_AGENT_HAPROXY_MAP"));
    f.settings.haproxy_map = "/etc/a.map; shutdown frontend app";
    CHECK(refused("WRKTALK_AGENT_HAPROXY_MAP"));
    f.settings.haproxy_map = "/etc/a.map";
    f.settings.haproxy_key = "two words";
    CHECK(refused("WRKTALK_AGENT_HAPROXY_KEY"));
    f.settings.haproxy_key = "app";
    for (const char* name : {"app", "app/", "/one", "a/b/c", "app/one;quit"}) {
      f.settings.haproxy_servers = {name};
      CHECK(refused("WRKTALK_AGENT_HAPROXY_SERVERS"));
    }
    f.settings.haproxy_servers.clear();
    f.settings.haproxy_socket = "haproxy";
    CHECK(refused("WRKTALK_AGENT_HAPROXY_SOCKET"));
    f.settings.haproxy_socket = "127.0.0.1:9999";
    CHECK(maintenance::make_proxy(f.settings)->name() == "haproxy at 127.0.0.1:9999");
  }

  TEST_CASE("a haproxy that hangs is given up after some seconds, and the pulse goes on meanwhile") {
    Fixture f;
    f.settings.handler = Handler::haproxy;
    f.settings.haproxy_socket = f.folder.path() + "/socket";
    f.settings.haproxy_map = "/m";
    const auto socket = silent_socket(f.settings.haproxy_socket);
    Counting counting;
    try {
      maintenance::make_proxy(f.settings)->show(true, counting);
      FAIL("it cannot have worked");
    } catch (const Error& e) {
      CHECK(e.kind() == Kind::child);
      CHECK(std::string(e.what()).find("gave no whole answer within 5") != std::string::npos);
    }
    CHECK(counting.ticks > 20);
  }

  TEST_CASE("a socket that is not there is named") {
    Fixture f;
    f.settings.handler = Handler::haproxy;
    f.settings.haproxy_map = "/m";
    for (const char* address : {"/nowhere/haproxy.sock", "127.0.0.1:1"}) {
      f.settings.haproxy_socket = address;
      const Error error = f.error_of_show(true);
      CHECK(error.kind() == Kind::configuration);
      CHECK(std::string(error.what()).find(address) != std::string::npos);
      CHECK(error.hint().find("WRKTALK_AGENT_HAPROXY_SOCKET") != std::string::npos);
    }
  }
}
