// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/tools.hpp"

#include "core/base/error.hpp"
#include "core/base/fd.hpp"
#include "core/base/text.hpp"
#include "core/base/trust.hpp"
#include "core/log/log.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <set>
#include <sys/mman.h>
#include <unistd.h>

namespace wrktalk::deploy {
namespace {

using base::Error;
using base::Kind;

constexpr std::size_t kWholeBytes = 64 * 1024 * 1024;
constexpr std::size_t kLongestLoggedLine = 2000;
void need_started(const exec::Outcome& outcome, const std::string& program) {
  if (outcome.end != exec::Outcome::End::not_started) return;
  throw Error(Kind::configuration, program + " " + outcome.describe(),
              "install it, or set where it is in the settings (wrktalk config show)");
}

/// A file in memory that holds `text`, to be read from its beginning.
base::Fd in_memory(const std::string& text) {
  base::Fd fd(::memfd_create("wrktalk-input", MFD_CLOEXEC));
  std::size_t done = 0;
  while (fd && done < text.size()) {
    const ssize_t written = ::write(fd.get(), text.data() + done, text.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) break;
    done += static_cast<std::size_t>(written);
  }
  if (!fd || done < text.size() || ::lseek(fd.get(), 0, SEEK_SET) != 0)
    throw Error(Kind::failed, std::string("no memory for a tool's input: ") + std::strerror(errno));
  return fd;
}

}  // namespace

namespace {

/// Those of `all` that `others` do not set: of two with one name some programs take the first, some the last.
std::vector<std::string> without(const std::vector<std::string>& all, const std::vector<std::string>& others) {
  const auto name = [](const std::string& entry) { return entry.substr(0, entry.find('=')); };
  std::set<std::string> names;
  for (const auto& other : others) names.insert(name(other));
  std::vector<std::string> out;
  std::copy_if(all.begin(), all.end(), std::back_inserter(out),
               [&](const auto& entry) { return names.count(name(entry)) == 0; });
  return out;
}

}  // namespace

Tools::Tools(std::vector<std::string> environment, exec::Fence& fence, OnOutput on_output)
    : environment_(std::move(environment)), fence_(&fence), on_output_(std::move(on_output)) {}

exec::Outcome Tools::act(const Act& act, base::Pulse& pulse) const {
  exec::Spec spec;
  spec.argv = act.argv;
  spec.environment = without(environment_, act.more_environment);
  spec.environment.insert(spec.environment.end(), act.more_environment.begin(), act.more_environment.end());
  spec.directory = act.directory;
  spec.timeout = act.timeout;
  spec.grace = act.grace;
  spec.fence = fence_;
  if (act.parse_stdout) spec.whole_stdout_bytes = kWholeBytes;
  spec.input = act.feed;
  base::Fd input;
  if (!act.input.empty()) {
    input = in_memory(act.input);
    spec.stdin_fd = input.get();
  }
  spec.on_line = [&](std::string_view line, bool is_stderr) {
    if (!act.is_told || (!is_stderr && act.parse_stdout)) return;
    line = line.substr(0, kLongestLoggedLine);
    log::info("deploy.output", line);
    if (on_output_) on_output_(std::string(line));
  };
  base::require_trusted_program(act.argv.front());
  if (act.is_told) log::info("deploy.command", base::join(act.argv, " "));
  exec::Outcome outcome = exec::run(spec, pulse);
  need_started(outcome, act.argv.front());
  if (outcome.end == exec::Outcome::End::fenced) {
    throw Error(Kind::lease_lost, act.argv.front() + " " + outcome.describe());
  }
  return outcome;
}

exec::Outcome Tools::look(std::vector<std::string> argv, base::Pulse& pulse, std::chrono::milliseconds timeout,
                          const std::string& input) const {
  base::require_trusted_program(argv.front());
  exec::Spec spec;
  spec.argv = std::move(argv);
  spec.environment = environment_;
  spec.timeout = timeout;
  spec.grace = std::chrono::seconds(2);
  spec.whole_stdout_bytes = kWholeBytes;
  base::Fd from_memory;
  if (!input.empty()) {
    from_memory = in_memory(input);
    spec.stdin_fd = from_memory.get();
  }
  exec::Outcome outcome = exec::run(spec, pulse);
  need_started(outcome, spec.argv.front());
  return outcome;
}

void Tools::tell(const std::string& line) const {
  const std::string text = log::redact(line).substr(0, kLongestLoggedLine);
  log::info("deploy.note", text);
  if (on_output_) on_output_(text);
}

}  // namespace wrktalk::deploy
