// SPDX-License-Identifier: Apache-2.0
#include "core/db/raw.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <cstdint>
#include <poll.h>

namespace wrktalk::db::raw {
namespace {

using base::Deadline;
using base::Pulse;

constexpr std::size_t kHeaderSize = 11 + 4 + 4;  // signature, flags, header extension length
constexpr std::size_t kRowHeadSize = 2 + 4;      // int16 number of fields, int32 length of the field
constexpr std::uint32_t kNull = 0xFFFFFFFF;

std::uint32_t big_endian32(const char* data) {
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(data[i]);
  return value;
}

}  // namespace

void CopyMemory::operator()(char* data) const noexcept { ::PQfreemem(data); }

CopyOut::CopyOut(Connection& connection, const std::string& sql, Pulse& pulse, Deadline deadline)
    : connection_(connection) {
  connection_.start_copy(sql, PGRES_COPY_OUT, pulse, deadline);
}

CopyOut::~CopyOut() {
  if (!ended_) connection_.cancel_and_drain();
}

std::optional<std::string_view> CopyOut::next(Pulse& pulse, Deadline deadline) {
  PGconn* const connection = connection_.connection_.get();
  while (!ended_) {
    char* message = nullptr;
    const int size = ::PQgetCopyData(connection, &message, 1);
    message_.reset(message);
    if (size == -2) connection_.lost();
    if (size == -1) {
      ended_ = true;
      connection_.finish_copy(pulse, deadline);
      break;
    }
    if (size == 0) {
      connection_.wait(POLLIN, pulse, deadline);
      if (::PQconsumeInput(connection) == 0) connection_.lost();
      continue;
    }
    std::string_view data(message, static_cast<std::size_t>(size));
    // The header comes glued to the first row, or to the trailer when there is none.
    if (!header_seen_) data.remove_prefix(std::min(kHeaderSize, data.size()));
    header_seen_ = true;
    if (data.size() < kRowHeadSize) continue;  // the trailer
    const std::uint32_t length = big_endian32(data.data() + 2);
    return data.substr(kRowHeadSize, length == kNull ? 0 : length);
  }
  return std::nullopt;
}

}  // namespace wrktalk::db::raw
