// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace wrktalk::backup {

/// Rows by table, without its schema; of a whole database with it, both quoted where they must be.
using Rows = std::map<std::string, std::uint64_t>;

/// The head of a table's data: COPY schema.table (columns) FROM stdin;
struct CopyHead {
  std::string schema;   ///< quoted where it must be, as in the dump
  std::string table;    ///< as in the dump; that of a checkpoint table needs no quotes
  std::string columns;  ///< "(thread_id, checkpoint_ns)", as in the dump
};

/// What wants to know more of a dump than how many rows it has.
class DumpListener {
 public:
  virtual ~DumpListener() = default;
  /// Statements that make the tables, and the encoding of what follows.
  virtual void on_sql(const std::string& /*statements*/) {}
  virtual void on_copy(const CopyHead& /*head*/) {}
  /// Rows of the table just named, in COPY's text format; a piece may end anywhere in a row.
  virtual void on_data(std::string_view /*piece*/) {}
  virtual void on_copy_end() {}
};

/// What a dump is taken for.
enum class DumpOf {
  tables,    ///< the rows of some tables, by their names; owners and rights are left out
  database,  ///< all of it as it is: tables are named with their schemas
};

/// Reads what pg_dump writes in its plain format, piece by piece, and knows whether all of it was there.
/// psql's own commands in it (backslash lines) are skipped and never run.
class DumpText {
 public:
  explicit DumpText(DumpListener& listener, DumpOf of = DumpOf::tables) : listener_(listener), of_(of) {}

  void write(std::string_view bytes);

  /// Throws Error(difference) unless the dump came to its own end.
  void end();

  /// The tables met so far.
  const Rows& rows() const noexcept { return rows_; }

 private:
  std::string_view take_data(std::string_view bytes);
  void take_line(const std::string& line);
  void flush_sql();

  DumpListener& listener_;
  const DumpOf of_;
  Rows rows_;
  std::uint64_t* count_ = nullptr;  ///< of the table whose data is being read
  bool in_row_ = false;             ///< the last piece of data ended inside a row
  bool complete_ = false;
  std::string line_;  ///< an unended line outside of data, or the first byte of one inside
  std::string sql_;
};

}  // namespace wrktalk::backup
