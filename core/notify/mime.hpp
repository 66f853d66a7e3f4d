// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>

namespace wrktalk::notify {

/// What a mail says, whoever it goes to. UTF-8.
struct EmailContent {
  std::string subject;
  std::string text;
  std::string html;
};

struct Address {
  std::string name;  ///< UTF-8; may be empty
  std::string mail;
};

/// "NAME <ADDRESS>" or an address alone. Throws Error(configuration) for what is none, or not ASCII; a hint is the caller's.
Address parse_address(const std::string& text);

/// The headers of one mail that its email does not have.
struct Envelope {
  Address from;
  Address to;
  std::string message_id;  ///< without angle brackets
  std::chrono::system_clock::time_point date;
};

/// A whole message after RFC 5322 and MIME: multipart/alternative, all of it ASCII in short lines that end in CRLF.
/// Whatever the texts hold, it stays in its place.
std::string mime(const EmailContent& email, const Envelope& envelope);

/// A header's value: as it is when it is plain, else in encoded words (RFC 2047), folded.
std::string header_value(const std::string& text);

}  // namespace wrktalk::notify
