// SPDX-License-Identifier: Apache-2.0
#include "core/backup/dump_text.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <cstring>
#include <optional>

namespace wrktalk::backup {
namespace {

using base::Error;
using base::Kind;

constexpr std::size_t kLongestLine = 1024 * 1024;  // of statements; data is never collected
constexpr std::string_view kEndMark = "-- PostgreSQL database dump complete";

/// Where a name ends that begins at `at`: "a" or "\"a b\"".
std::size_t end_of_name(const std::string& line, std::size_t at) {
  if (at >= line.size() || line[at] != '"') return line.find_first_of(". ", at);
  for (++at; at < line.size(); ++at) {
    if (line[at] != '"') continue;
    if (at + 1 < line.size() && line[at + 1] == '"')
      ++at;
    else
      return at + 1;
  }
  return std::string::npos;
}

/// "COPY public.checkpoints (a, b) FROM stdin;".
std::optional<CopyHead> copy_head(const std::string& line) {
  if (!base::starts_with(line, "COPY ") || !base::ends_with(line, ") FROM stdin;")) return std::nullopt;
  const std::size_t dot = end_of_name(line, 5);
  if (dot >= line.size() || line[dot] != '.') return std::nullopt;
  const std::size_t open = end_of_name(line, dot + 1);
  if (open >= line.size() || line.compare(open, 2, " (") != 0) return std::nullopt;
  const std::size_t close = line.rfind(')');
  return CopyHead{line.substr(5, dot - 5), line.substr(dot + 1, open - dot - 1), line.substr(open + 1, close - open)};
}

/// What restoring needs besides the data. Not comments and psql's commands; not the settings of pg_dump's own session, which
/// an older server may not know; not owners and rights, which belong to the place where it is restored.
bool is_statement(const std::string& line) {
  using base::starts_with;
  if (line.empty() || starts_with(line, "--") || line.front() == '\\') return false;
  if (starts_with(line, "SET ")) return starts_with(line, "SET client_encoding");
  if (starts_with(line, "ALTER TABLE ") && line.find(" OWNER TO ") != std::string::npos) return false;
  return !starts_with(line, "GRANT ") && !starts_with(line, "REVOKE ") &&
         !starts_with(line, "SELECT pg_catalog.set_config('search_path'");
}

/// Of a whole database: all but psql's commands, a setting that an older server does not know, and what only the owner of an extension may say. Lines
/// of a function's body look like anything.
bool is_of_database(const std::string& line) {
  using base::starts_with;
  return !starts_with(line, "\\restrict ") && !starts_with(line, "\\unrestrict ") &&
         line != "SET transaction_timeout = 0;" && !starts_with(line, "COMMENT ON EXTENSION ");
}

}  // namespace

void DumpText::write(std::string_view bytes) {
  while (!bytes.empty()) {
    if (count_ != nullptr) {
      bytes = take_data(bytes);
      continue;
    }
    const std::size_t end = bytes.find('\n');
    line_ += bytes.substr(0, end);
    if (line_.size() > kLongestLine) throw Error(Kind::difference, "it is not what pg_dump writes: a line without end");
    if (end == std::string_view::npos) return;
    bytes.remove_prefix(end + 1);
    const std::string line = std::move(line_);
    line_.clear();
    take_line(line);
  }
}

/// Returns what follows the data, if it ends here.
std::string_view DumpText::take_data(std::string_view bytes) {
  // "\." alone on a line ends the data. No row can begin with it.
  if (!line_.empty() || (!in_row_ && bytes.front() == '\\' && bytes.size() < 3)) {
    const std::size_t missing = std::min(bytes.size(), std::size_t{3} - line_.size());
    line_ += bytes.substr(0, missing);
    bytes.remove_prefix(missing);
    if (line_.size() < 3 && line_.back() != '\n') return bytes;
    const std::string head = std::move(line_);
    line_.clear();
    if (head == "\\.\n") {
      count_ = nullptr;
      listener_.on_copy_end();
      return bytes;
    }
    for (const char c : head) {
      if (c == '\n') ++*count_;
    }
    in_row_ = head.back() != '\n';
    listener_.on_data(head);
    return bytes;
  }
  const char* const begin = bytes.data();
  const char* const end = begin + bytes.size();
  const char* at = begin;
  while (at < end) {
    if (!in_row_ && *at == '\\' && (end - at < 3 || (at[1] == '.' && at[2] == '\n'))) break;
    const auto* newline = static_cast<const char*>(std::memchr(at, '\n', static_cast<std::size_t>(end - at)));
    in_row_ = newline == nullptr;
    if (in_row_) {
      at = end;
    } else {
      ++*count_;
      at = newline + 1;
    }
  }
  const auto size = static_cast<std::size_t>(at - begin);
  if (size > 0) {
    listener_.on_data(bytes.substr(0, size));
    return bytes.substr(size);
  }
  count_ = nullptr;
  listener_.on_copy_end();
  return bytes.substr(3);
}

void DumpText::take_line(const std::string& line) {
  if (const auto head = copy_head(line)) {
    flush_sql();
    count_ = &rows_[of_ == DumpOf::tables ? head->table : head->schema + "." + head->table];
    in_row_ = false;
    listener_.on_copy(*head);
  } else if (line == kEndMark) {
    flush_sql();
    complete_ = true;
  } else if (of_ == DumpOf::tables ? is_statement(line) : is_of_database(line)) {
    sql_ += line + "\n";
  }
}

void DumpText::flush_sql() {
  if (!sql_.empty()) listener_.on_sql(sql_);
  sql_.clear();
}

void DumpText::end() {
  if (complete_) return;
  throw Error(Kind::difference, rows_.empty() ? "it is not what pg_dump writes" : "the dump is cut short");
}

}  // namespace wrktalk::backup
