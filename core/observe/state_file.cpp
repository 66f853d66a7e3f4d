// SPDX-License-Identifier: Apache-2.0
#include "core/observe/state_file.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/exec/fence.hpp"
#include "core/observe/probes.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace wrktalk::observe {
namespace {

using base::Error;
using base::Kind;
using std::chrono::duration_cast;
using std::chrono::milliseconds;

constexpr std::size_t kLongest = 256;

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

/// `wrktalk health` of root looks at anybody's daemon.
bool is_read_by_root(int flags) { return (flags & O_ACCMODE) == O_RDONLY && ::geteuid() == 0; }

/// The folder may be one that everybody writes to: a link, or a file of another user, is none of ours.
base::Fd open_own(const std::string& path, int flags) {
  base::Fd file(::open(path.c_str(), flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0644));
  if (!file) base::throw_errno(Kind::failed, path);
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) base::throw_errno(Kind::failed, path);
  if (!S_ISREG(info.st_mode) || info.st_nlink != 1 || (info.st_uid != ::geteuid() && !is_read_by_root(flags))) {
    throw Error(Kind::failed, path + " belongs to somebody else");
  }
  return file;
}

/// What the file says: "TICK BOOT PID START", the tick in milliseconds of the boot clock.
struct State {
  base::BootClock::time_point tick{};
  exec::ProcessId owner;
};

State read_state(const base::Fd& file) {
  std::array<char, kLongest> text{};
  const ssize_t size = ::pread(file.get(), text.data(), text.size(), 0);
  if (size < 0) base::throw_errno(Kind::failed, "cannot read it");
  const std::string line = base::trim(std::string(text.data(), static_cast<std::size_t>(size)));
  const std::size_t blank = line.find(' ');
  if (blank == std::string::npos) return {};
  return {base::BootClock::time_point(milliseconds(std::strtoll(line.c_str(), nullptr, 10))),
          exec::parse_process_id(line.substr(blank + 1))};
}

}  // namespace

std::string state_path(const std::string& folder, const std::string& agent_id) {
  std::string path = folder + "/wrktalk-agent-";
  for (const char c : agent_id) {
    std::array<char, 4> code{};
    if (!is_plain(c)) std::snprintf(code.data(), code.size(), "%%%02X", static_cast<unsigned char>(c));
    path += is_plain(c) ? std::string(1, c) : code.data();
  }
  return path + ".state";
}

StateFile::StateFile(std::string path)
    : path_(std::move(path)),
      owner_(exec::to_text(exec::identify(::getpid()))),
      file_(open_own(path_, O_RDWR | O_CREAT)) {
  const auto other = read_state(file_).owner;
  if (exec::is_running_here(other)) {
    throw Error(Kind::failed,
                path_ + " belongs to the agent of the same name that runs as process " + std::to_string(other.pid));
  }
  if (::ftruncate(file_.get(), 0) != 0) base::throw_errno(Kind::failed, path_);
  stamp();
}

StateFile::~StateFile() {
  if (is_there()) ::unlink(path_.c_str());
}

bool StateFile::is_there() const noexcept {
  struct stat ours {
  }, there{};
  return ::fstat(file_.get(), &ours) == 0 && ::lstat(path_.c_str(), &there) == 0 && ours.st_dev == there.st_dev &&
         ours.st_ino == there.st_ino;
}

void StateFile::stamp() noexcept {
  std::array<char, kLongest> line{};
  const auto tick = duration_cast<milliseconds>(base::BootClock::now().time_since_epoch()).count();
  // Of one length as long as the daemon runs, and written at once: whoever reads meanwhile sees the one or the other.
  const int size =
      std::snprintf(line.data(), line.size(), "%020lld %s\n", static_cast<long long>(tick), owner_.c_str());
  [[maybe_unused]] const auto written = ::pwrite(file_.get(), line.data(), static_cast<std::size_t>(size), 0);
}

Health health(const std::string& path, milliseconds max_age) {
  Health out;
  State state;
  try {
    state = read_state(open_own(path, O_RDONLY));
  } catch (const Error& e) {
    out.reason = std::string("no agent runs here: ") + e.what();
    return out;
  }
  if (!exec::is_running_here(state.owner)) {
    out.reason = "the agent is gone: " + path + " was left by process " + std::to_string(state.owner.pid);
    return out;
  }
  const auto age = base::BootClock::now() - state.tick;
  out.tick_age = duration_cast<milliseconds>(age);
  out.reason = late_tick(age, max_age);
  out.good = out.reason.empty();
  return out;
}

}  // namespace wrktalk::observe
