// SPDX-License-Identifier: Apache-2.0
#include "core/exec/process_tree.hpp"

#include "core/base/fd.hpp"
#include "core/exec/pidfd.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <dirent.h>
#include <fcntl.h>
#include <fstream>
#include <memory>
#include <string>

namespace wrktalk::exec {
namespace {

struct CloseDirectory {
  void operator()(DIR* directory) const noexcept { ::closedir(directory); }
};

std::vector<Process> all_processes() {
  std::vector<Process> all;
  const std::unique_ptr<DIR, CloseDirectory> proc(::opendir("/proc"));
  if (!proc) return all;
  while (const dirent* entry = ::readdir(proc.get())) {
    const auto pid = static_cast<pid_t>(std::strtol(entry->d_name, nullptr, 10));
    if (pid <= 0) continue;
    if (const auto process = look_up(pid)) all.push_back(*process);
  }
  return all;
}

}  // namespace

std::optional<Process> look_up(pid_t pid) {
  const base::Fd file(::open(("/proc/" + std::to_string(pid) + "/stat").c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 4096> buffer{};
  const ssize_t n = file ? ::read(file.get(), buffer.data(), buffer.size() - 1) : -1;
  if (n <= 0) return std::nullopt;
  // The program's name, in brackets, may hold anything: count from the last bracket, after which field 3 comes.
  const std::string text(buffer.data(), static_cast<std::size_t>(n));
  const std::size_t bracket = text.rfind(')');
  if (bracket == std::string::npos) return std::nullopt;
  Process process;
  process.pid = pid;
  const int read = std::sscanf(text.c_str() + bracket + 1,
                               " %c %d %d %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu",
                               &process.state, &process.parent, &process.group, &process.start);
  return read == 4 ? std::optional(process) : std::nullopt;
}

std::vector<Process> descendants_of(pid_t root) {
  const std::vector<Process> all = all_processes();
  std::vector<Process> below;
  pid_t parent = root;
  for (std::size_t next = 0;; parent = below[next++].pid) {
    for (const auto& process : all) {
      if (process.parent == parent && process.pid != root) below.push_back(process);
    }
    if (next == below.size()) return below;
  }
}

std::vector<pid_t> own_children() {
  std::vector<pid_t> children;
  std::ifstream list("/proc/thread-self/children");
  for (pid_t pid = 0; list >> pid;) children.push_back(pid);
  if (list.is_open()) return children;
  for (const auto& process : descendants_of(::getpid())) {
    if (process.parent == ::getpid()) children.push_back(process.pid);
  }
  return children;
}

void send_signal(const Process& process, int number) noexcept {
  const base::Fd handle(::pidfd_open(process.pid, 0));
  if (!handle) return;
  // Only now is it certain that the descriptor and the start time speak of the same process.
  const auto now = look_up(process.pid);
  if (now && *now == process) ::pidfd_send_signal(handle.get(), number, nullptr, 0);
}

}  // namespace wrktalk::exec
