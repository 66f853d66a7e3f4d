// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/db/raw.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace wrktalk::artifact {

/// Writes COPY ... FROM STDIN (FORMAT binary), field by field. A long bytea is sent in pieces; nothing is held back.
/// Undone on the server when it goes before `finish()`.
class CopyRows {
 public:
  CopyRows(db::raw::Connection& db, const std::string& sql, base::Pulse& pulse);
  CopyRows(const CopyRows&) = delete;
  CopyRows& operator=(const CopyRows&) = delete;
  ~CopyRows();

  void row(std::uint16_t fields);
  void text(const std::optional<std::string>& value);
  void jsonb(const std::optional<std::string>& json);
  void uuid(const std::string& text);
  void int4(std::uint32_t value);
  void int8(std::uint64_t value);
  void boolean(bool value);
  /// A field of that many bytes; `bytes` follows until they are complete.
  void begin_bytes(std::uint32_t size_bytes);
  void bytes(std::string_view piece);
  /// Returns when the server has taken it all. Throws what the server says.
  void finish();

 private:
  void integer(std::uint64_t value, int size);

  db::raw::Connection& db_;
  base::Pulse& pulse_;
  std::string head_;  ///< small fields, sent with the next piece
  bool open_ = true;
};

}  // namespace wrktalk::artifact
