// SPDX-License-Identifier: Apache-2.0
#include "core/log/log.hpp"

#include "core/base/error.hpp"
#include "core/base/fd.hpp"
#include "core/base/files.hpp"
#include "core/base/text.hpp"
#include "core/log/outlet.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <memory>
#include <sys/socket.h>
#include <termios.h>
#include <thread>
#include <vector>

using namespace wrktalk;

namespace {

/// What `work` writes to stderr.
template <class Work>
std::string stderr_of(const Work& work) {
  const base::TempDir dir(base::private_parent(), "log-test-");
  const std::string path = dir.path() + "/stderr";
  const base::Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  std::fflush(stderr);
  const base::Fd saved(::dup(2));
  ::dup2(file.get(), 2);
  work();
  std::fflush(stderr);
  ::dup2(saved.get(), 2);
  return base::read_file(path, 100'000);
}

/// stderr goes to something that nobody reads, until `read_all`.
class Unread {
 public:
  Unread(base::Fd reader, base::Fd writer) : reader_(std::move(reader)), saved_(::fcntl(2, F_DUPFD_CLOEXEC, 3)) {
    ::dup2(writer.get(), 2);
  }
  ~Unread() { restore(); }
  Unread(const Unread&) = delete;
  Unread& operator=(const Unread&) = delete;

  /// What is and was written until `work` has ended, as lines.
  template <class Work>
  std::vector<std::string> read_all(const Work& work) {
    std::string text;
    std::thread reading([&] {
      std::array<char, 1000> buffer{};
      for (ssize_t n = 0; (n = ::read(reader_.get(), buffer.data(), buffer.size())) > 0;)
        text.append(buffer.data(), static_cast<std::size_t>(n));
    });
    work();
    restore();
    reading.join();
    REQUIRE(base::ends_with(text, "\n"));
    text.pop_back();
    return base::split(text, '\n');
  }
  void stop_reading() { reader_.reset(); }

 private:
  void restore() {
    if (!saved_) return;
    ::dup2(saved_.get(), 2);
    saved_.reset();
    log::set_up({log::Format::text, log::Level::info, false});  // and the log lets go of the old one
  }

  base::Fd reader_;
  base::Fd saved_;
};

std::unique_ptr<Unread> unread_pipe() {
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  return std::make_unique<Unread>(base::Fd(ends[0]), base::Fd(ends[1]));
}

std::unique_ptr<Unread> unread_socket() {
  std::array<int, 2> ends{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
  return std::make_unique<Unread>(base::Fd(ends[0]), base::Fd(ends[1]));
}

std::unique_ptr<Unread> unread_terminal() {
  base::Fd master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  REQUIRE(::grantpt(master.get()) == 0);
  REQUIRE(::unlockpt(master.get()) == 0);
  std::array<char, 100> name{};
  REQUIRE(::ptsname_r(master.get(), name.data(), name.size()) == 0);
  base::Fd slave(::open(name.data(), O_RDWR | O_NOCTTY | O_CLOEXEC));
  termios raw{};
  ::tcgetattr(slave.get(), &raw);
  ::cfmakeraw(&raw);
  ::tcsetattr(slave.get(), TCSANOW, &raw);
  return std::make_unique<Unread>(std::move(master), std::move(slave));
}

}  // namespace

TEST_SUITE("log::redact") {
  TEST_CASE("a known secret is masked wherever it stands, a very short one is not looked for") {
    log::add_secret(base::Secret("tr0ub4dor"));
    log::add_secret(base::Secret("tr0ub4dor-and-more"));
    log::add_secret(base::Secret("ab"));
    CHECK(log::redact("x tr0ub4dor y") == "x *** y");
    CHECK(log::redact("tr0ub4dor-and-more") == "***");
    CHECK(log::redact("about") == "about");
  }

  TEST_CASE("values with a telling name are masked, the name stays") {
    CHECK(log::redact("DB_PASSWORD=abc next") == "DB_PASSWORD=*** next");
    CHECK(log::redact("{\"token\": \"abc def\", \"a\": 1}") == "{\"token\": \"***\", \"a\": 1}");
    CHECK(log::redact("Authorization: Bearer abc") == "Authorization: ***");
    CHECK(log::redact("DB_PASSWORD_FILE=/run/secrets/x") == "DB_PASSWORD_FILE=/run/secrets/x");
    CHECK(log::redact("cannot read /x/token: No such file or directory") ==
          "cannot read /x/token: No such file or directory");
    CHECK(log::redact("token: Nosuch") == "token: ***");
  }

  TEST_CASE("the user part of a URL is masked") {
    CHECK(log::redact("postgresql://u:p@h/d") == "postgresql://***@h/d");
    CHECK(log::redact("https://host/path") == "https://host/path");
  }
}

TEST_SUITE("log") {
  TEST_CASE("a JSON line survives quotes, line ends and bytes that are no text") {
    const std::string text = stderr_of([] {
      log::set_up({log::Format::json, log::Level::info, false});
      log::info("task.claimed", "said \"hi\"\nand\xFF", {{"task_id", "a\"b"}, {"note", "password=x"}});
      log::debug("not.shown", "below the level");
    });
    REQUIRE(base::split(text, '\n').size() == 2);
    const auto line = nlohmann::json::parse(text);
    CHECK(line["level"] == "INFO");
    CHECK(line["event"] == "task.claimed");
    CHECK(line["msg"] == "said \"hi\"\nand\xEF\xBF\xBD");
    CHECK(line["task_id"] == "a\"b");
    CHECK(line["note"] == "password=***");
    CHECK(line["ts"].get<std::string>().back() == 'Z');
  }

  TEST_CASE("a text line is one line, whatever is in it") {
    const std::string text = stderr_of([] {
      log::set_up({log::Format::text, log::Level::debug, false});
      log::warn("child.output", "a\nb {}\x1b[31m", {{"value", "two words"}});
    });
    CHECK(base::split(text, '\n').size() == 2);
    CHECK(text.find("WARN  child.output") != std::string::npos);
    CHECK(text.find("a b {}\\x1b[31m value=\"two words\"\n") != std::string::npos);
  }

  TEST_CASE("a log that nobody reads holds nobody; later it tells all in order, and how much was lost") {
    std::unique_ptr<Unread> unread;
    const auto set_up = [] { log::set_up({log::Format::json, log::Level::info, false}); };
    SUBCASE("a pipe") {
      unread = unread_pipe();
      set_up();
    }
    SUBCASE("a pipe that another user made") {
      unread = unread_pipe();
      const uid_t self = ::geteuid();
      CHECK((self != 0 || ::seteuid(65'534) == 0));
      set_up();
      CHECK((self != 0 || ::seteuid(self) == 0));
    }
    SUBCASE("a socket") {
      unread = unread_socket();
      set_up();
    }
    SUBCASE("a terminal") {
      unread = unread_terminal();
      set_up();
    }
    constexpr std::size_t kLines = 4000;
    const std::string filling(50, 'x');
    for (std::size_t i = 0; i < kLines; ++i) log::info("test.line", std::to_string(i), {{"more", filling}});

    const auto lines = unread->read_all([] {
      log::flush(std::chrono::seconds(60));
      log::info("test.last", "read again");
    });
    REQUIRE(lines.size() > log::Outlet::kBacklogBytes / 200);
    const std::size_t shown = lines.size() - 2;
    for (std::size_t i = 0; i < shown; ++i) {
      const auto line = nlohmann::json::parse(lines[i]);
      REQUIRE(line["msg"] == std::to_string(i));
      REQUIRE(line["more"] == filling);
    }
    const auto lost = nlohmann::json::parse(lines[shown]);
    CHECK(lost["event"] == "log.lost");
    CHECK(lost["msg"] == std::to_string(kLines - shown) + " log lines were lost: nobody read the log");
    CHECK(nlohmann::json::parse(lines[shown + 1])["event"] == "test.last");
  }

  TEST_CASE("a log whose reader is gone holds nobody, at the end neither") {
    const auto unread = unread_pipe();
    log::set_up({log::Format::text, log::Level::info, false});
    log::info("test.line", "to nobody");
    unread->stop_reading();
    for (int i = 0; i < 4000; ++i) log::info("test.line", "to nobody any more");
    const auto begin = base::BootClock::now();
    log::flush(std::chrono::minutes(1));
    CHECK(base::BootClock::now() - begin < std::chrono::seconds(30));
  }

  TEST_CASE("a line longer than a pipe takes at once is whole, and so is what two threads log") {
    const auto unread = unread_pipe();
    log::set_up({log::Format::json, log::Level::info, false});
    const std::string large(100'000, 'y');
    const auto lines = unread->read_all([&] {
      std::array<std::thread, 2> threads;
      for (auto& thread : threads) {
        thread = std::thread([&] {
          log::add_secret(base::Secret("s3cret-of-a-thread"));
          for (int i = 0; i < 500; ++i) {
            log::info("test.line", "s3cret-of-a-thread");
            if (i % 100 == 0) log::info("test.large", large);
            log::flush(std::chrono::seconds(60));
          }
        });
      }
      for (auto& thread : threads) thread.join();
    });
    CHECK(lines.size() == 1010);
    for (const auto& text : lines) {
      const auto line = nlohmann::json::parse(text);
      REQUIRE(line["msg"] == (line["event"] == "test.large" ? large : "***"));
    }
  }

  TEST_CASE("v4.2's level names are taken in any case, others are refused") {
    CHECK(log::parse_level("info") == log::Level::info);
    CHECK(log::parse_level("WARNING") == log::Level::warn);
    CHECK(log::parse_level("CRITICAL") == log::Level::error);
    CHECK_FALSE(log::parse_level("loud"));
  }
}
