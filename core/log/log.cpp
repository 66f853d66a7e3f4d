// SPDX-License-Identifier: Apache-2.0
#include "core/log/log.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/base/visible.hpp"
#include "core/log/outlet.hpp"

#include <nlohmann/json.hpp>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <memory>
#include <mutex>
#include <unistd.h>
#include <vector>

namespace wrktalk::log {
namespace {

/// What a line is made with and where it goes; replaced as a whole.
struct SetUp {
  Options options;
  std::shared_ptr<Outlet> outlet;
  std::shared_ptr<spdlog::logger> logger;
};

struct State {
  std::mutex mutex;  ///< never held while a line is written
  SetUp set_up;
};

State& state() {
  static State instance;
  return instance;
}

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::debug: return spdlog::level::debug;
    case Level::info: return spdlog::level::info;
    case Level::warn: return spdlog::level::warn;
    case Level::error: return spdlog::level::err;
  }
  return spdlog::level::info;
}

const char* name(Level level) {
  static constexpr std::array<const char*, 4> kNames = {"DEBUG", "INFO", "WARN", "ERROR"};
  return kNames[static_cast<std::size_t>(level)];
}

const char* color(Level level) {
  static constexpr std::array<const char*, 4> kColors = {"\x1b[2m", "\x1b[32m", "\x1b[33m", "\x1b[31m"};
  return kColors[static_cast<std::size_t>(level)];
}

std::string now_utc() {
  const auto now = std::chrono::system_clock::now();
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() % 1000;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 32> date{};
  std::strftime(date.data(), date.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  return fmt::format("{}.{:03}Z", date.data(), ms);
}

std::string as_json(Level level, std::string_view event, std::string_view message, Fields fields) {
  nlohmann::ordered_json line;
  line["ts"] = now_utc();
  line["level"] = name(level);
  line["event"] = event;
  line["msg"] = base::scrub_utf8(message);
  for (const auto& field : fields) line[std::string(field.name)] = redact(field.value);
  return base::visible(line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

std::string as_text(Level level, std::string_view event, std::string_view message, Fields fields, bool paint) {
  std::string line = now_utc();
  line += fmt::format(" {}{:<5}{} {:<22} {}", paint ? color(level) : "", name(level), paint ? "\x1b[0m" : "", event,
                      base::one_line(message));
  for (const auto& field : fields) {
    const std::string value = base::one_line(redact(field.value));
    const bool quote = value.empty() || value.find_first_of(" \"=") != std::string::npos;
    line += fmt::format(" {}={}", field.name, quote ? nlohmann::json(value).dump() : value);
  }
  return line;
}

std::string as_line(const Options& options, Level level, std::string_view event, std::string_view message,
                    Fields fields) {
  return options.format == Format::json ? as_json(level, event, message, fields)
                                        : as_text(level, event, message, fields, options.color);
}

/// spdlog's way to the outlet, which has a lock of its own.
class OutletSink : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  explicit OutletSink(std::shared_ptr<Outlet> outlet) : outlet_(std::move(outlet)) {}

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    outlet_->write(std::string(message.payload.data(), message.payload.size()) + '\n');
  }
  void flush_() override {}

  std::shared_ptr<Outlet> outlet_;
};

SetUp make(const Options& options) {
  const auto tell = [options](std::size_t lost) {
    const std::string message = std::to_string(lost) + " log lines were lost: nobody read the log";
    return as_line(options, Level::warn, "log.lost", message, {}) + '\n';
  };
  SetUp made{options, std::make_shared<Outlet>(STDERR_FILENO, tell), nullptr};
  made.logger = std::make_shared<spdlog::logger>("wrktalk", std::make_shared<OutletSink>(made.outlet));
  made.logger->set_level(to_spdlog(options.level));
  made.logger->set_error_handler([](const std::string&) {});  // spdlog's own writes to stderr and waits for it
  return made;
}

SetUp current() {
  State& log = state();
  const std::lock_guard<std::mutex> lock(log.mutex);
  if (!log.set_up.logger) log.set_up = make({Format::text, Level::warn, false});
  return log.set_up;
}

void write(Level level, std::string_view event, std::string_view message, Fields fields) {
  const SetUp log = current();
  if (!log.logger->should_log(to_spdlog(level))) return;
  log.logger->log(to_spdlog(level), "{}", as_line(log.options, level, event, redact(message), fields));
}

}  // namespace

void set_up(const Options& options) {
  State& log = state();
  const std::lock_guard<std::mutex> lock(log.mutex);
  log.set_up = make(options);
}

void flush(std::chrono::milliseconds at_most) {
  const auto outlet = current().outlet;
  outlet->flush(base::Deadline::in(at_most));
}

std::optional<Level> parse_level(const std::string& text) {
  std::string upper = text;
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](unsigned char c) { return static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c); });
  if (upper == "DEBUG") return Level::debug;
  if (upper == "INFO") return Level::info;
  if (upper == "WARN" || upper == "WARNING") return Level::warn;
  if (upper == "ERROR" || upper == "CRITICAL") return Level::error;
  return std::nullopt;
}

void debug(std::string_view event, std::string_view message, Fields fields) {
  write(Level::debug, event, message, fields);
}
void info(std::string_view event, std::string_view message, Fields fields) {
  write(Level::info, event, message, fields);
}
void warn(std::string_view event, std::string_view message, Fields fields) {
  write(Level::warn, event, message, fields);
}
void error(std::string_view event, std::string_view message, Fields fields) {
  write(Level::error, event, message, fields);
}

}  // namespace wrktalk::log
