// SPDX-License-Identifier: Apache-2.0
#include "core/exec/spawn.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>

namespace wrktalk::exec {
namespace {

constexpr int kAboveChildren = 16;

class Actions {
 public:
  Actions() { ::posix_spawn_file_actions_init(&actions_); }
  Actions(const Actions&) = delete;
  Actions& operator=(const Actions&) = delete;
  ~Actions() { ::posix_spawn_file_actions_destroy(&actions_); }
  posix_spawn_file_actions_t* get() noexcept { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

class Attributes {
 public:
  explicit Attributes(bool own_session) {
    ::posix_spawnattr_init(&attributes_);
    sigset_t none;
    ::sigemptyset(&none);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    sigset_t defaults;
    ::sigemptyset(&defaults);
    for (const int number : {SIGPIPE, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGCHLD}) ::sigaddset(&defaults, number);
    ::posix_spawnattr_setsigdefault(&attributes_, &defaults);
    ::posix_spawnattr_setpgroup(&attributes_, 0);
    const int apart = own_session ? POSIX_SPAWN_SETSID : POSIX_SPAWN_SETPGROUP;
    ::posix_spawnattr_setflags(&attributes_,
                               static_cast<short>(apart | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF));
  }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
  ~Attributes() { ::posix_spawnattr_destroy(&attributes_); }
  const posix_spawnattr_t* get() const noexcept { return &attributes_; }

 private:
  posix_spawnattr_t attributes_{};
};

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  out.reserve(texts.size() + 1);
  for (const auto& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

}  // namespace

int spawn(const Spawn& what, pid_t& pid) {
  Actions actions;
  const Attributes attributes(what.own_session);
  int place = 0;
  for (const int fd : what.descriptors) ::posix_spawn_file_actions_adddup2(actions.get(), fd, place++);
  ::posix_spawn_file_actions_addclosefrom_np(actions.get(), place);
  if (!what.directory.empty()) ::posix_spawn_file_actions_addchdir_np(actions.get(), what.directory.c_str());
  const std::vector<char*> argv = pointers(what.argv);
  const std::vector<char*> environment = pointers(what.environment);
  return ::posix_spawn(&pid, what.path.c_str(), actions.get(), attributes.get(), argv.data(), environment.data());
}

base::Fd out_of_the_way(int fd) {
  base::Fd high(::fcntl(fd, F_DUPFD_CLOEXEC, kAboveChildren));
  if (!high) base::throw_errno(base::Kind::failed, "cannot open a descriptor for a child");
  return high;
}

std::string find_program(const std::string& name, const std::vector<std::string>& environment, int& error) {
  if (name.find('/') != std::string::npos) return name;
  error = ENOENT;
  for (const auto& entry : environment) {
    if (!base::starts_with(entry, "PATH=")) continue;
    for (const auto& folder : base::split(std::string_view(entry).substr(5), ':')) {
      if (folder.empty()) continue;
      std::string candidate = folder;
      candidate.append("/").append(name);
      struct stat info {};
      if (::stat(candidate.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) continue;
      if (::faccessat(AT_FDCWD, candidate.c_str(), X_OK, AT_EACCESS) == 0) {
        error = 0;
        return candidate;
      }
      error = EACCES;
    }
  }
  return {};
}

}  // namespace wrktalk::exec
