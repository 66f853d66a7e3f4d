// SPDX-License-Identifier: Apache-2.0
#include "core/log/log.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <nlohmann/json.hpp>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <memory>
#include <vector>

namespace wrktalk::log {
namespace {

constexpr std::size_t kShortestSecret = 4;
constexpr std::string_view kMask = "***";

struct State {
  Options options;
  std::vector<std::string> secrets;
  std::shared_ptr<spdlog::logger> logger;
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
  return line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string as_text(Level level, std::string_view event, std::string_view message, Fields fields) {
  const bool paint = state().options.color;
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

void write(Level level, std::string_view event, std::string_view message, Fields fields) {
  State& log = state();
  if (!log.logger) set_up({Format::text, Level::warn, false});
  if (!log.logger->should_log(to_spdlog(level))) return;
  const std::string safe = redact(message);
  const std::string line =
      log.options.format == Format::json ? as_json(level, event, safe, fields) : as_text(level, event, safe, fields);
  log.logger->log(to_spdlog(level), "{}", line);
}

void mask_all(std::string& text, const std::string& secret) {
  for (std::size_t at = text.find(secret); at != std::string::npos; at = text.find(secret, at + kMask.size())) {
    text.replace(at, secret.size(), kMask);
  }
}

bool ends_value(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == ',' || c == ';' || c == '&'; }

/// What the system says of a file that has such a name: ".../token: No such file or directory".
bool is_about_a_file(std::string_view text) {
  static constexpr std::array<std::string_view, 4> kSayings = {"No such file or directory", "Permission denied",
                                                               "Is a directory", "Not a directory"};
  return std::any_of(kSayings.begin(), kSayings.end(), [&](auto saying) { return base::starts_with(text, saying); });
}

/// password=..., "token": "..." and the like: the value goes, the name stays.
void mask_named_values(std::string& text) {
  static const std::array<std::string_view, 9> kNames = {"password", "passwd",        "secret", "token",      "apikey",
                                                         "api_key",  "authorization", "jwt",    "private_key"};
  std::string lower = text;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c); });
  for (const auto word : kNames) {
    for (std::size_t at = lower.find(word); at != std::string::npos; at = lower.find(word, at)) {
      std::size_t i = at + word.size();
      at = i;
      // The rest of an identifier (PASSWORD_FILE stays readable, DB_PASSWORD= and "password": are masked).
      while (i < text.size() && (text[i] == '"' || text[i] == '\'')) ++i;
      while (i < text.size() && text[i] == ' ') ++i;
      if (i >= text.size() || (text[i] != '=' && text[i] != ':')) continue;
      ++i;
      while (i < text.size() && text[i] == ' ') ++i;
      if (is_about_a_file(std::string_view(text).substr(i))) continue;
      if (text.compare(i, 7, "Bearer ") == 0) i += 7;
      const char quote = i < text.size() && (text[i] == '"' || text[i] == '\'') ? text[i++] : '\0';
      std::size_t end = i;
      while (end < text.size() && (quote != '\0' ? text[end] != quote : !ends_value(text[end]))) ++end;
      if (end == i) continue;
      text.replace(i, end - i, kMask);
      lower.replace(i, end - i, kMask);
      at = i + kMask.size();
    }
  }
}

/// scheme://user:password@host becomes scheme://***@host.
void mask_user_info(std::string& text) {
  for (std::size_t at = text.find("://"); at != std::string::npos; at = text.find("://", at)) {
    at += 3;
    const std::size_t end = text.find_first_of(" \n\t\"'<>", at);
    const std::size_t sign = text.substr(at, end == std::string::npos ? end : end - at).rfind('@');
    if (sign == std::string::npos || sign == 0) continue;
    text.replace(at, sign, kMask);
  }
}

}  // namespace

void set_up(const Options& options) {
  State& log = state();
  log.options = options;
  log.logger = std::make_shared<spdlog::logger>("wrktalk", std::make_shared<spdlog::sinks::stderr_sink_st>());
  log.logger->set_pattern("%v");
  log.logger->set_level(to_spdlog(options.level));
  log.logger->flush_on(spdlog::level::debug);
}

Level parse_level(const std::string& text) {
  std::string upper = text;
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](unsigned char c) { return static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c); });
  if (upper == "DEBUG") return Level::debug;
  if (upper == "INFO") return Level::info;
  if (upper == "WARN" || upper == "WARNING") return Level::warn;
  if (upper == "ERROR" || upper == "CRITICAL") return Level::error;
  throw base::Error(base::Kind::usage, "unknown log level '" + base::one_line(text) + "'",
                    "use one of DEBUG, INFO, WARN, ERROR");
}

void add_secret(const base::Secret& secret) {
  if (secret.reveal().size() < kShortestSecret) return;
  auto& secrets = state().secrets;
  if (std::find(secrets.begin(), secrets.end(), secret.reveal()) != secrets.end()) return;
  secrets.push_back(secret.reveal());
  // Longest first, so that a secret that contains another is not left half readable.
  std::sort(secrets.begin(), secrets.end(), [](const auto& a, const auto& b) { return a.size() > b.size(); });
}

std::string redact(std::string_view text) {
  std::string out = base::scrub_utf8(text);
  for (const auto& secret : state().secrets) mask_all(out, secret);
  mask_named_values(out);
  mask_user_info(out);
  return out;
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
