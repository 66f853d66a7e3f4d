// SPDX-License-Identifier: Apache-2.0
#include "core/notify/mime.hpp"

#include "core/base/base64.hpp"
#include "core/base/error.hpp"
#include "core/base/sha256.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <array>
#include <ctime>

namespace wrktalk::notify {
namespace {

using base::Error;
using base::Kind;

bool is_printable(char c) { return c >= ' ' && c <= '~'; }

/// Characters that need no quotes anywhere in a header.
bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view(" -_.+/'").find(c) != std::string_view::npos;
}

/// RFC 5322, in English whatever the locale, and in UTC.
std::string date_text(std::chrono::system_clock::time_point when) {
  constexpr std::array<const char*, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t seconds = std::chrono::system_clock::to_time_t(when);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 64> text{};
  std::strftime(text.data(), text.size(), "%Y %H:%M:%S +0000", &parts);
  return std::string(kDays.at(static_cast<std::size_t>(parts.tm_wday))) + ", " + std::to_string(parts.tm_mday) + " " +
         kMonths.at(static_cast<std::size_t>(parts.tm_mon)) + " " + text.data();
}

std::string base64_lines(const std::string& text) {
  constexpr std::size_t kLine = 76;
  const std::string all = base::base64(text);
  std::string out;
  for (std::size_t at = 0; at < all.size(); at += kLine) out += all.substr(at, kLine) + "\r\n";
  return out;
}

std::string part(const std::string& type, const std::string& text) {
  return "Content-Type: " + type + "; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64_lines(text);
}

std::string address_header(const Address& address) {
  return address.name.empty() ? address.mail : header_value(address.name) + "\r\n <" + address.mail + ">";
}

}  // namespace

Address parse_address(const std::string& text) {
  Address address;
  address.mail = base::trim(text);
  if (const std::size_t open = text.find('<'); open != std::string::npos && base::ends_with(address.mail, ">")) {
    const std::size_t close = text.rfind('>');
    address.name = base::trim(text.substr(0, open));
    if (address.name.size() > 1 && address.name.front() == '"' && address.name.back() == '"') {
      address.name = address.name.substr(1, address.name.size() - 2);
    }
    address.mail = text.substr(open + 1, close - open - 1);
  }
  const std::size_t at = address.mail.rfind('@');
  const bool whole = at != std::string::npos && at > 0 && at + 1 < address.mail.size() && address.mail.size() <= 254;
  const bool plain = std::all_of(address.mail.begin(), address.mail.end(), [](char c) {
    return is_printable(c) && std::string_view(" <>\",;:()[]\\").find(c) == std::string_view::npos;
  });
  const bool one_line = text.find_first_of("\r\n") == std::string::npos;
  if (!whole || !plain || !one_line)
    throw Error(Kind::configuration, "'" + base::one_line(text) + "' is no mail address");
  return address;
}

std::string header_value(const std::string& text) {
  // "=?utf-8?B?" and "?=" around 45 bytes in base64 are 72 characters: they fit behind any header's name.
  constexpr std::size_t kBytesOfWord = 45;
  constexpr std::size_t kPlainLimit = 60;
  const std::string clean = base::one_line(base::scrub_utf8(text));
  if (clean.size() <= kPlainLimit && std::all_of(clean.begin(), clean.end(), is_plain)) return clean;
  std::string out;
  for (std::size_t at = 0; at < clean.size();) {
    std::size_t end = std::min(at + kBytesOfWord, clean.size());
    // A word ends at the end of a character.
    while (end < clean.size() && (static_cast<unsigned char>(clean[end]) & 0xC0) == 0x80) --end;
    out += (out.empty() ? "=?utf-8?B?" : "\r\n =?utf-8?B?") + base::base64(clean.substr(at, end - at)) + "?=";
    at = end;
  }
  return out;
}

std::string mime(const EmailContent& email, const Envelope& envelope) {
  const std::string boundary = "=_" + base::sha256_hex(envelope.message_id).substr(0, 32);
  std::string out;
  out += "Date: " + date_text(envelope.date) + "\r\n";
  out += "From: " + address_header(envelope.from) + "\r\n";
  out += "To: " + address_header(envelope.to) + "\r\n";
  out += "Subject: " + header_value(email.subject) + "\r\n";
  out += "Message-ID: <" + envelope.message_id + ">\r\n";
  // No answers from holiday notices, please (RFC 3834).
  out += "Auto-Submitted: auto-generated\r\n";
  out += "MIME-Version: 1.0\r\n";
  out += "Content-Type: multipart/alternative;\r\n boundary=\"" + boundary + "\"\r\n\r\n";
  out += "--" + boundary + "\r\n" + part("text/plain", email.text);
  out += "--" + boundary + "\r\n" + part("text/html", email.html);
  return out + "--" + boundary + "--\r\n";
}

}  // namespace wrktalk::notify
