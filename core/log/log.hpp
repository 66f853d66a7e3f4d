// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/secret.hpp"

#include <chrono>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The log: one line an event, to stderr. `event` is a stable dotted name ("task.claimed") that scripts
/// may rely on; the message may change. Foreign text is safe in messages and values: it is redacted,
/// scrubbed to UTF-8 and kept on one line.
///
/// Every function may be called from several threads. No call waits for whoever reads stderr: lines it does not take are kept
/// (256 KiB) and written by later calls; those beyond are lost, and one line says how many (event log.lost).
namespace wrktalk::log {

enum class Format { text, json };
enum class Level { debug, info, warn, error };

struct Options {
  Format format = Format::text;
  Level level = Level::info;
  bool color = false;
};

struct Field {
  std::string_view name;
  std::string value;
};
using Fields = std::initializer_list<Field>;

/// Called once by `main` before anything is logged; before that, warnings and errors are shown as text.
void set_up(const Options& options);

/// "DEBUG" | "INFO" | "WARN" | "WARNING" | "ERROR", any case, or nothing.
std::optional<Level> parse_level(const std::string& text);

/// From now on every log line and every `redact` shows `***` instead of this text, in whatever form tools print it. Texts shorter than
/// four characters and ordinary words are not looked for, and none inside of a longer word of our own messages ("postgres" in
/// "postgresql-client"): they would blacken what an operator must read, and tell what they are.
void add_secret(const base::Secret& secret);

/// The same for many, for as long as it lives.
class SecretScope {
 public:
  explicit SecretScope(const std::vector<base::Secret>& secrets);
  SecretScope(const SecretScope&) = delete;
  SecretScope& operator=(const SecretScope&) = delete;
  ~SecretScope();

 private:
  std::vector<std::string> held_;
};

/// What may be stored or mailed of a foreign text: `***` in place of each secret that `Redactor` finds.
std::string redact(std::string_view text);

/// Waits until stderr has taken the lines that are kept, for when the process is about to end.
void flush(std::chrono::milliseconds at_most = std::chrono::seconds(1));

void debug(std::string_view event, std::string_view message, Fields fields = {});
void info(std::string_view event, std::string_view message, Fields fields = {});
void warn(std::string_view event, std::string_view message, Fields fields = {});
void error(std::string_view event, std::string_view message, Fields fields = {});

}  // namespace wrktalk::log
