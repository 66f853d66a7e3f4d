// SPDX-License-Identifier: Apache-2.0
#include "core/artifact/copy_rows.hpp"

#include <algorithm>

namespace wrktalk::artifact {
namespace {

/// How long the server may refuse to take the next piece.
base::Deadline stall() { return base::Deadline::in(std::chrono::minutes(2)); }

constexpr std::uint32_t kNull = 0xFFFFFFFF;
constexpr std::uint16_t kTrailer = 0xFFFF;

}  // namespace

CopyRows::CopyRows(db::raw::Connection& db, const std::string& sql, base::Pulse& pulse)
    : db_(db), pulse_(pulse), head_("PGCOPY\n\xFF\r\n\0\0\0\0\0\0\0\0\0", 19) {
  db_.copy_in(sql, pulse_, stall());
}

CopyRows::~CopyRows() {
  if (open_) db_.copy_abort("the upload was given up");
}

void CopyRows::integer(std::uint64_t value, int size) {
  for (int shift = 8 * (size - 1); shift >= 0; shift -= 8) head_ += static_cast<char>(value >> shift & 0xFF);
}

void CopyRows::row(std::uint16_t fields) { integer(fields, 2); }

void CopyRows::text(const std::optional<std::string>& value) {
  integer(value ? value->size() : kNull, 4);
  if (value) head_ += *value;
}

void CopyRows::jsonb(const std::optional<std::string>& json) {
  constexpr char kFormat = 1;
  text(json ? std::optional(kFormat + *json) : std::nullopt);
}

void CopyRows::uuid(const std::string& text) {
  std::string digits = text;
  digits.erase(std::remove(digits.begin(), digits.end(), '-'), digits.end());
  integer(16, 4);
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2) integer(std::stoul(digits.substr(i, 2), nullptr, 16), 1);
}

void CopyRows::int4(std::uint32_t value) {
  integer(4, 4);
  integer(value, 4);
}

void CopyRows::int8(std::uint64_t value) {
  integer(8, 4);
  integer(value, 8);
}

void CopyRows::boolean(bool value) {
  integer(1, 4);
  integer(value ? 1 : 0, 1);
}

void CopyRows::begin_bytes(std::uint32_t size_bytes) {
  integer(size_bytes, 4);
  bytes({});
}

void CopyRows::bytes(std::string_view piece) {
  if (!head_.empty()) db_.copy_write(head_.data(), head_.size(), pulse_, stall());
  head_.clear();
  db_.copy_write(piece.data(), piece.size(), pulse_, stall());
}

void CopyRows::finish() {
  row(kTrailer);
  bytes({});
  open_ = false;
  // Only now the server stores a long value, which takes as long as its disk needs; the pulse and keepalives go on.
  db_.copy_finish(pulse_, base::Deadline::never());
}

}  // namespace wrktalk::artifact
