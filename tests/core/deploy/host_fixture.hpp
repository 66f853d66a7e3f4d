// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/error.hpp"
#include "core/deploy/folders.hpp"
#include "tests/core/deploy/before.hpp"
#include "tests/core/deploy/support.hpp"

#include <memory>
#include <string>
#include <unistd.h>
#include <vector>

namespace wrktalk::deploy::test {

/// A host target with a ROOT of its own.
struct Host {
  Host() {
    settings.host_root = dir.path() + "/root";
    settings.host_timeout = std::chrono::milliseconds(2000);
  }
  /// Scripts that record how they were run, and then do as they are told.
  std::string program(const char* name, const std::string& script) const {
    const std::string path = dir.path() + "/" + name;
    write(path,
          "#!/bin/sh\necho " + std::string(name) + " $WRKTALK_VERSION $WRKTALK_RELEASE_DIR $PWD >>" + log_file() +
              "\n" + script + "\n",
          0755);
    return path;
  }
  std::string log_file() const { return dir.path() + "/log"; }
  std::string log() const { return base::read_file_if_exists(log_file(), 10'000).value_or(""); }
  /// Of a task of its own; there is one at a time, for each of them locks ROOT.
  Deployer& begin(const char* task = "task", const char* target = "host:node") {
    deployer_.reset();
    deployer_ = another({task}, target);
    return *deployer_;
  }
  /// One more, beside it.
  std::unique_ptr<Deployer> another(const TaskTurn& turn, const char* target = "host:node") {
    return make_deployer(parse_target(target), settings, turn, fence.get());
  }
  void end() { deployer_.reset(); }
  Deployer& deployer() { return deployer_ ? *deployer_ : begin(); }
  Release release(const std::string& version) {
    const Release made{version, deployer().home(version), {}, {}};
    write(made.tree + "/app", version);
    return made;
  }
  /// What an earlier task left: a release that runs.
  Release deployed(const std::string& version, const char* task = "earlier") {
    begin(task);
    const Release made = release(version);
    deployer().apply(made, pulse);
    end();
    return made;
  }
  /// What somebody laid out by hand.
  void by_hand(const std::string& tree, const std::string& link) const {
    write((tree[0] == '/' ? tree : settings.host_root + "/" + tree) + "/app", "by hand");
    base::make_directories(settings.host_root, 0755);
    ::unlink(link_path().c_str());
    REQUIRE(::symlink(link.c_str(), link_path().c_str()) == 0);
  }
  std::string path(const std::string& name) const { return settings.host_root + "/" + name; }
  std::string link_path() const { return path("current"); }
  std::string current() const { return base::read_file_if_exists(path("current/app"), 100).value_or(""); }
  std::string link() const {
    char text[1000];
    const ssize_t length = ::readlink(link_path().c_str(), text, sizeof text);
    return length < 0 ? "" : std::string(text, static_cast<std::size_t>(length));
  }
  std::vector<std::string> trees() const { return entries(path("releases")); }

  base::TempDir dir{"/tmp", "host-test-"};
  Settings settings;
  LongFence fence;
  base::NoPulse pulse;

 private:
  std::unique_ptr<Deployer> deployer_;
};

using Names = std::vector<std::string>;

/// What `act` throws; fails the case when it throws nothing.
inline base::Error error_of(const std::function<void()>& act) {
  try {
    act();
  } catch (const base::Error& e) {
    return e;
  }
  FAIL("nothing was thrown");
  return base::Error(base::Kind::failed, "");
}

/// Ends what drives it at its third tick.
class Impatient : public base::Pulse {
 public:
  base::Deadline watch(std::vector<pollfd>&) override { return base::Deadline::never(); }
  void tick() override {
    ++ticks;
    throw base::Error(base::Kind::terminated, "asked to end");
  }
  int ticks = 0;
};

}  // namespace wrktalk::deploy::test
