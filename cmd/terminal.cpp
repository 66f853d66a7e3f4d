// SPDX-License-Identifier: Apache-2.0
#include "cmd/terminal.hpp"

#include "cmd/app.hpp"
#include "core/base/text.hpp"
#include "core/log/log.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <poll.h>
#include <pwd.h>
#include <unistd.h>

namespace wrktalk::cmd {
namespace {

using base::Deadline;
using base::Error;
using base::Kind;

/// Code points, not bytes: continuation bytes take no column.
std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

}  // namespace

bool wants_color(int fd, bool no_color) {
  const char* off = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  const bool dumb = terminal != nullptr && std::string(terminal) == "dumb";
  return !no_color && (off == nullptr || off[0] == '\0') && !dumb && ::isatty(fd) == 1;
}

void print_error(const std::string& message, const std::string& hint, bool no_color) {
  const bool color = wants_color(STDERR_FILENO, no_color);
  std::cout.flush();
  std::cerr << "wrktalk: " << (color ? "\x1b[31merror:\x1b[0m " : "error: ");
  for (const auto& line : base::split(log::redact(message), '\n')) {
    const std::size_t indent = std::min(line.find_first_not_of(' '), line.size());
    std::cerr << std::string(indent, ' ') << base::one_line(line) << '\n';
  }
  if (!hint.empty())
    std::cerr << (color ? "\x1b[33mhint:\x1b[0m " : "hint: ") << base::one_line(log::redact(hint)) << '\n';
}

bool flush_stdout() {
  std::cout.flush();
  const bool good = std::fflush(stdout) == 0 && std::ferror(stdout) == 0 && !std::cout.bad();
  if (good) return true;
  pollfd out{STDOUT_FILENO, 0, 0};
  return ::poll(&out, 1, 0) == 1 && (out.revents & POLLERR) != 0;
}

void print_json(const nlohmann::ordered_json& document) {
  std::cout << document.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
}

Table::Table(std::vector<std::string> heads) { rows_.push_back(std::move(heads)); }

void Table::add(std::vector<std::string> cells) {
  for (auto& cell : cells) cell = base::one_line(cell);
  cells.resize(rows_.front().size());
  rows_.push_back(std::move(cells));
}

std::string Table::text() const {
  std::vector<std::size_t> widths(rows_.front().size(), 0);
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  }
  std::string out;
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      line.append(widths[i] - width(row[i]) + 3, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

bool confirm(const Env& env, const std::string& question) {
  if (env.yes) return true;
  if (::isatty(STDIN_FILENO) != 1 || ::isatty(STDERR_FILENO) != 1) {
    throw Error(Kind::usage, "this needs a yes, and there is no terminal to ask on: " + question,
                "give --yes when you are sure");
  }
  std::cerr << base::one_line(question) << " [y/N] " << std::flush;
  SignalPulse pulse(env.signals);
  std::vector<pollfd> fds = {{STDIN_FILENO, POLLIN, 0}};
  pulse.watch(fds);
  while (::poll(fds.data(), fds.size(), -1) >= 0 || errno == EINTR) {
    pulse.tick();
    if (fds.front().revents != 0) break;
  }
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

struct Progress::State {
  std::string what;
  std::uint64_t total_bytes;
  std::uint64_t done_bytes = 0;
  bool terminal;
  bool shown = false;
  Deadline next;
};

Progress::Progress(std::string what, std::uint64_t total_bytes)
    : state_(new State{std::move(what), total_bytes, 0, ::isatty(STDERR_FILENO) == 1, false, Deadline::never()}) {
  state_->next = Deadline::in(state_->terminal ? std::chrono::milliseconds(100) : std::chrono::seconds(10));
}

Progress::~Progress() {
  if (state_->terminal && state_->shown) std::cerr << "\r\x1b[K" << std::flush;
}

void Progress::at(std::uint64_t done_bytes) {
  State& s = *state_;
  if (!s.next.passed()) return;
  std::string line = s.what + " " + base::human_size(done_bytes);
  if (s.total_bytes != 0) {
    line += " of " + base::human_size(s.total_bytes) + " (" + std::to_string(done_bytes * 100 / s.total_bytes) + " %)";
  }
  if (s.terminal)
    std::cerr << '\r' << base::one_line(line) << "\x1b[K" << std::flush;
  else
    log::info("progress", line);
  s.shown = true;
  s.next = Deadline::in(s.terminal ? std::chrono::milliseconds(100) : std::chrono::seconds(10));
}

Deadline SignalPulse::watch(std::vector<pollfd>& fds) {
  fds.push_back({signals_.fd(), POLLIN, 0});
  return Deadline::never();
}

void SignalPulse::tick() {
  const int number = signals_.take();
  if (number == SIGINT) throw Error(Kind::interrupted, "interrupted");
  if (number != 0) throw Error(Kind::terminated, "asked to end");
}

std::string requested_by() {
  std::string host(256, '\0');
  if (::gethostname(host.data(), host.size() - 1) != 0) host = "localhost";
  const passwd* user = ::getpwuid(::getuid());
  return (user != nullptr ? std::string(user->pw_name) : "uid " + std::to_string(::getuid())) + "@" + host.c_str();
}

}  // namespace wrktalk::cmd
