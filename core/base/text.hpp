// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace wrktalk::base {

/// Valid UTF-8 without NUL, whatever came in: bad bytes become U+FFFD. PostgreSQL and JSON take the result.
std::string scrub_utf8(std::string_view text);

/// One line for a terminal or a log: line ends and tabs become spaces, and nothing in it is hidden (visible.hpp).
std::string one_line(std::string_view text);

/// For a reader that refuses other letters: each character that is not ASCII becomes '?', and what is longer than 8 KiB is cut.
std::string plain_ascii(std::string_view text);

std::string trim(std::string_view text);
std::vector<std::string> split(std::string_view text, char separator);
std::string join(const std::vector<std::string>& parts, std::string_view separator);
bool starts_with(std::string_view text, std::string_view prefix) noexcept;
bool ends_with(std::string_view text, std::string_view suffix) noexcept;

/// The last `limit` bytes, cut at a line end where there is one, led by "[...]" when something was cut.
std::string tail(std::string_view text, std::size_t limit);

/// "17 B", "4.2 kB", "497.3 MB" (powers of 1000, as users of df -H and docker know them).
std::string human_size(std::uint64_t size_bytes);

/// "350 ms", "4.2 s", "3 min 20 s", "2 h 5 min", "3 d 4 h".
std::string human_duration(std::chrono::milliseconds duration);

/// Go's duration syntax, as helm takes it ("10m", "1h30m", "1.5s", "250ms"), a whole number of seconds ("30"),
/// and "2d". Throws Error(usage) naming the text.
std::chrono::milliseconds parse_duration(const std::string& text);

/// What helm's --timeout takes: "600s", or "1500ms" when it is not a whole number of seconds.
std::string go_duration(std::chrono::milliseconds duration);

/// The lower-case hexadecimal form.
std::string to_hex(const unsigned char* data, std::size_t size);

}  // namespace wrktalk::base
