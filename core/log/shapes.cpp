// SPDX-License-Identifier: Apache-2.0
#include "core/log/shapes.hpp"

#include "core/base/text.hpp"

#include <algorithm>

namespace wrktalk::log {
namespace {

constexpr auto npos = std::string_view::npos;
constexpr std::string_view kBegin = "-----BEGIN ";
constexpr std::string_view kEnd = "-----END ";
constexpr std::string_view kDashes = "-----";
constexpr int kMostPemLines = 400;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_base64(char c) {
  return is_digit(c) || is_upper(c) || is_lower(c) || c == '+' || c == '/' || c == '=' || c == '-' || c == '_';
}
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r'; }

std::size_t end_of(std::string_view line, std::size_t at, bool (*belongs)(char)) {
  while (at < line.size() && belongs(line[at])) ++at;
  return at;
}

/// One word, or a header of an encrypted key.
bool may_be_in_pem(std::string_view line) {
  const std::string text = base::trim(line);
  const std::size_t blank = text.find_first_of(" \t");
  return blank == npos || (blank > 0 && text[blank - 1] == ':' && text.find('-') < blank);
}

/// Where the block's own text begins in a line: behind what was before its first line, or behind a time of day.
std::size_t pem_begin(std::string_view line, const std::string& prefix) {
  constexpr std::size_t kLong = 40;
  if (base::starts_with(line, prefix)) return end_of(line, prefix.size(), is_space);
  const std::size_t blank = line.find_last_of(" \t");
  const std::size_t word = blank == npos ? 0 : blank + 1;
  return end_of(line, word, is_base64) - word >= kLong ? word : end_of(line, 0, is_space);
}

/// A whole line of a PEM block whose beginning was cut off.
bool is_pem_line(std::string_view line) {
  const std::string text = base::trim(line);
  if ((text.size() != 64 && text.size() != 76) || !std::all_of(text.begin(), text.end(), is_base64)) return false;
  return std::any_of(text.begin(), text.end(), is_upper) && std::any_of(text.begin(), text.end(), is_lower);
}

/// scheme://user:password@host, also when the password holds '/' or '@'.
void find_user_info(std::string_view line, Spans& spans) {
  for (std::size_t at = line.find("://"); at != npos; at = line.find("://", at)) {
    at += 3;
    const std::string_view rest = line.substr(at, line.find_first_of(" \t\"'<>`", at) - at);
    const std::size_t sign = rest.rfind('@');
    if (sign == npos || sign == 0) continue;
    const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
    const std::size_t colon = authority.find(':');
    const bool is_port = colon != npos && authority.find_first_not_of("0123456789", colon + 1) == npos;
    const bool has_user = authority.find('@') != npos || (colon != npos && !is_port);
    if (has_user) spans.push_back({at, at, at + sign});
  }
}

/// "Bearer TOKEN" without the header's name.
void find_schemes(std::string_view line, Spans& spans) {
  constexpr std::size_t kShortest = 8;
  for (const std::string_view scheme : {"Bearer ", "bearer ", "Basic "}) {
    for (std::size_t at = line.find(scheme); at != npos; at = line.find(scheme, at)) {
      at += scheme.size();
      const std::size_t end = end_of(line, at, [](char c) { return is_base64(c) || c == '.' || c == '~'; });
      const std::string_view token = line.substr(at, end - at);
      const bool is_word = std::all_of(token.begin(), token.end(), is_lower);
      if (token.size() >= kShortest && !is_word) spans.push_back({at - scheme.size(), at, end});
    }
  }
}

/// Three parts, of which the first is base64 of '{"'.
void find_web_tokens(std::string_view line, Spans& spans) {
  for (std::size_t at = line.find("eyJ"); at != npos; at = line.find("eyJ", at + 1)) {
    const std::size_t end = end_of(line, at, [](char c) { return is_base64(c) || c == '.'; });
    const std::string_view token = line.substr(at, end - at);
    if (std::count(token.begin(), token.end(), '.') >= 2) spans.push_back({at, at, end});
  }
}

/// curl -u user:password
void find_curl_user(std::string_view line, Spans& spans) {
  for (const std::string_view option : {" -u ", " --user ", " --user=", " --proxy-user "}) {
    for (std::size_t at = line.find(option); at != npos; at = line.find(option, at)) {
      at = line.find_first_not_of(" '\"", at + option.size());
      if (at == npos) break;
      const std::size_t end = std::min(line.find_first_of(" '\"", at), line.size());
      const std::size_t colon = line.substr(at, end - at).find(':');
      if (colon != npos && at + colon + 1 < end) spans.push_back({at, at + colon + 1, end});
    }
  }
}

/// user:password@tcp(host:3306)/database
void find_driver_address(std::string_view line, Spans& spans) {
  for (const std::string_view network : {"@tcp(", "@unix(", "@tcp6("}) {
    for (std::size_t sign = line.find(network); sign != npos; sign = line.find(network, sign + 1)) {
      const std::size_t blank = sign == 0 ? npos : line.find_last_of(" \t\"'=", sign - 1);
      const std::size_t begin = blank == npos ? 0 : blank + 1;
      if (begin < sign) spans.push_back({begin, begin, sign});
    }
  }
}

}  // namespace

void Shapes::find(std::string_view line, Spans& spans) {
  find_pem(line, spans);
  find_user_info(line, spans);
  find_schemes(line, spans);
  find_web_tokens(line, spans);
  find_curl_user(line, spans);
  find_driver_address(line, spans);
}

void Shapes::find_pem(std::string_view line, Spans& spans) {
  std::size_t at = 0;
  if (pem_lines_ > 0) {
    const std::size_t end = line.find(kEnd);
    const std::string_view inside = line.substr(0, end);
    const std::size_t begin = pem_begin(inside, pem_prefix_);
    const bool is_inside = end != npos || may_be_in_pem(inside.substr(begin));
    pem_lines_ = is_inside && end == npos ? pem_lines_ - 1 : 0;
    if (is_inside && begin < inside.size()) spans.push_back({0, begin, inside.size()});
    if (end == npos && is_inside) return;
    at = end == npos ? 0 : end + kEnd.size();
  } else if (is_pem_line(line)) {
    spans.push_back({0, end_of(line, 0, is_space), line.size()});
  }
  while ((at = line.find(kBegin, at)) != npos) {
    const std::size_t from = at;
    at = line.find(kDashes, at + kBegin.size());
    if (at == npos) return;
    at += kDashes.size();
    const std::size_t end = line.find(kEnd, at);
    if (end == npos) {
      pem_lines_ = kMostPemLines;
      pem_prefix_ = line.substr(0, from);
    }
    const std::size_t stop = std::min(end, line.size());
    if (at < stop) spans.push_back({from, at, stop});
    at = stop;
  }
}

}  // namespace wrktalk::log
