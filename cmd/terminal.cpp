// SPDX-License-Identifier: Apache-2.0
#include "cmd/terminal.hpp"

#include "cmd/app.hpp"
#include "core/base/text.hpp"
#include "core/base/visible.hpp"
#include "core/log/log.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <poll.h>
#include <pwd.h>
#include <streambuf>
#include <termios.h>
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

/// Lets through what may be shown, and writes out the rest.
class VisibleBuffer : public std::streambuf {
 public:
  explicit VisibleBuffer(std::streambuf* target) : target_(target) {}

  /// Of our own: colours, and what clears a line.
  void put_raw(const std::string& text) { target_->sputn(text.data(), static_cast<std::streamsize>(text.size())); }

 protected:
  int_type overflow(int_type c) override {
    if (traits_type::eq_int_type(c, traits_type::eof())) return traits_type::not_eof(c);
    const char text = traits_type::to_char_type(c);
    return xsputn(&text, 1) == 1 ? c : traits_type::eof();
  }

  std::streamsize xsputn(const char* text, std::streamsize size) override {
    held_.append(text, static_cast<std::size_t>(size));
    return give(whole_characters()) ? size : 0;
  }

  int sync() override { return give(held_.size()) ? target_->pubsync() : -1; }

 private:
  /// Without a character whose last bytes may still come.
  std::size_t whole_characters() const {
    constexpr std::size_t kLongest = 4;
    for (std::size_t back = 1; back < kLongest && back <= held_.size(); ++back) {
      const auto lead = static_cast<unsigned char>(held_[held_.size() - back]);
      if ((lead & 0xC0) == 0x80) continue;
      const std::size_t length = lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
      return length > back ? held_.size() - back : held_.size();
    }
    return held_.size();
  }

  bool give(std::size_t size) {
    const std::string shown = base::visible(std::string_view(held_).substr(0, size));
    held_.erase(0, size);
    return target_->sputn(shown.data(), static_cast<std::streamsize>(shown.size())) ==
           static_cast<std::streamsize>(shown.size());
  }

  std::streambuf* target_;
  std::string held_;  ///< the beginning of a character
};

void put_raw(std::ostream& out, const std::string& text) {
  out.flush();
  if (auto* buffer = dynamic_cast<VisibleBuffer*>(out.rdbuf()))
    buffer->put_raw(text);
  else
    out << text;
}

/// `text` in a colour, ended.
void put_colored(std::ostream& out, bool color, const char* code, const char* text) {
  if (color) put_raw(out, std::string("\x1b[") + code + "m");
  out << text;
  if (color) put_raw(out, "\x1b[0m");
}

}  // namespace

VisibleOutput::VisibleOutput(std::ostream& stream)
    : stream_(stream), target_(stream.rdbuf()), buffer_(std::make_unique<VisibleBuffer>(target_)) {
  stream_.rdbuf(buffer_.get());
}

VisibleOutput::~VisibleOutput() {
  stream_.flush();
  const auto state = stream_.rdstate();
  stream_.rdbuf(target_);
  stream_.setstate(state);
}

bool wants_color(int fd, bool no_color) {
  const char* off = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  const bool dumb = terminal != nullptr && std::string(terminal) == "dumb";
  return !no_color && (off == nullptr || off[0] == '\0') && !dumb && ::isatty(fd) == 1;
}

void print_error(const std::string& message, const std::string& hint, bool no_color) {
  const bool color = wants_color(STDERR_FILENO, no_color);
  std::cout.flush();
  std::cerr << "wrktalk: ";
  put_colored(std::cerr, color, "31", "error:");
  std::cerr << ' ';
  for (const auto& line : base::split(log::redact(message), '\n')) {
    const std::size_t indent = std::min(line.find_first_not_of(' '), line.size());
    std::cerr << std::string(indent, ' ') << base::one_line(line) << '\n';
  }
  if (hint.empty()) return;
  put_colored(std::cerr, color, "33", "hint:");
  std::cerr << ' ' << base::one_line(log::redact(hint)) << '\n';
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
  std::chrono::steady_clock::time_point began = std::chrono::steady_clock::now();
};

Progress::Progress(std::string what, std::uint64_t total_bytes)
    : state_(new State{std::move(what), total_bytes, 0, ::isatty(STDERR_FILENO) == 1, false, Deadline::never()}) {
  state_->next = Deadline::in(state_->terminal ? std::chrono::milliseconds(100) : std::chrono::seconds(10));
}

Progress::~Progress() {
  if (state_->terminal && state_->shown) put_raw(std::cerr, "\r\x1b[K");
}

void Progress::at(std::uint64_t done_bytes) {
  State& s = *state_;
  if (!s.next.passed()) return;
  std::string line = s.what + " " + base::human_size(done_bytes);
  if (s.total_bytes != 0) {
    line += " of " + base::human_size(s.total_bytes) + " (" + std::to_string(done_bytes * 100 / s.total_bytes) + " %)";
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - s.began;
  line += ", " + base::human_size(static_cast<std::uint64_t>(static_cast<double>(done_bytes) / took.count())) + "/s";
  if (s.terminal)
    put_raw(std::cerr, "\r" + base::one_line(line) + "\x1b[K");
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

bool is_terminal(int fd) { return ::isatty(fd) == 1; }

std::string ask_secretly(const std::string& what) {
  termios shown{};
  const bool is_set = ::tcgetattr(STDIN_FILENO, &shown) == 0;
  if (is_set) {
    termios hidden = shown;
    hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
  }
  std::cerr << what << " (not shown): " << std::flush;
  std::string line;
  std::getline(std::cin, line);
  if (is_set) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
  std::cerr << '\n';
  return line;
}

std::string requested_by() {
  std::string host(256, '\0');
  if (::gethostname(host.data(), host.size() - 1) != 0) host = "localhost";
  const passwd* user = ::getpwuid(::getuid());
  return (user != nullptr ? std::string(user->pw_name) : "uid " + std::to_string(::getuid())) + "@" + host.c_str();
}

}  // namespace wrktalk::cmd
