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

/// The folder may be one that everybody writes to: a link, or a file of another user, is none of ours.
base::Fd open_own(const std::string& path, int flags) {
  base::Fd file(::open(path.c_str(), flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0644));
  if (!file) base::throw_errno(Kind::failed, path);
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) base::throw_errno(Kind::failed, path);
  if (!S_ISREG(info.st_mode) || (info.st_uid != ::geteuid() && ::geteuid() != 0)) {
    throw Error(Kind::failed, path + " belongs to somebody else");
  }
  return file;
}

/// "TICK BOOT PID START", the tick in milliseconds of the boot clock.
std::string read_state(const std::string& path) {
  const auto file = open_own(path, O_RDONLY);
  std::array<char, kLongest> text{};
  const ssize_t size = ::pread(file.get(), text.data(), text.size(), 0);
  if (size < 0) base::throw_errno(Kind::failed, path);
  return base::trim(std::string(text.data(), static_cast<std::size_t>(size)));
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
  if (::ftruncate(file_.get(), 0) != 0) base::throw_errno(Kind::failed, path_);
  stamp();
}

StateFile::~StateFile() {
  try {
    // Another agent of the same name may have it by now.
    if (base::ends_with(read_state(path_), owner_)) ::unlink(path_.c_str());
  } catch (const Error&) {
    // It is gone already.
  }
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
  std::string state;
  try {
    state = read_state(path);
  } catch (const Error& e) {
    out.reason = std::string("no agent runs here: ") + e.what();
    return out;
  }
  const std::size_t blank = state.find(' ');
  const auto owner = exec::parse_process_id(blank == std::string::npos ? "" : state.substr(blank + 1));
  if (!exec::is_running_here(owner)) {
    out.reason = "the agent is gone: " + path + " was left by process " + std::to_string(owner.pid);
    return out;
  }
  const base::BootClock::time_point tick(milliseconds(std::atoll(state.c_str())));
  const auto age = base::BootClock::now() - tick;
  out.tick_age = duration_cast<milliseconds>(age);
  out.reason = late_tick(age, max_age);
  out.good = out.reason.empty();
  return out;
}

}  // namespace wrktalk::observe
