// SPDX-License-Identifier: Apache-2.0
#include "core/backup/dump_text.hpp"

#include "core/backup/content_hash.hpp"
#include "core/base/error.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace wrktalk;
using namespace wrktalk::backup;

namespace {

const std::string kHead =
    "--\n-- PostgreSQL database dump\n--\n\n\\restrict abc\nSET transaction_timeout = 0;\nSET client_encoding = "
    "'UTF8';\n"
    "SELECT pg_catalog.set_config('search_path', '', false);\n"
    "CREATE TABLE public.checkpoints (\n    thread_id text NOT NULL\n);\n"
    "ALTER TABLE public.checkpoints OWNER TO somebody;\n";
const std::string kCopy = "COPY public.checkpoints (thread_id, type) FROM stdin;\n";
const std::string kEnd = "\\.\n\n\n--\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict abc\n";

/// Everything that was told, as one text.
class Log : public DumpListener {
 public:
  void on_sql(const std::string& statements) override { text += "sql:" + statements; }
  void on_copy(const CopyHead& head) override { text += "copy:" + head.schema + "|" + head.table + "|" + head.columns; }
  void on_data(std::string_view piece) override { data += piece; }
  void on_copy_end() override { text += "end:"; }
  std::string text, data;
};

Rows read(const std::string& dump, DumpListener& listener, std::size_t piece) {
  DumpText text(listener);
  for (std::size_t at = 0; at < dump.size(); at += piece) text.write(std::string_view(dump).substr(at, piece));
  text.end();
  return text.rows();
}

}  // namespace

TEST_SUITE("backup::DumpText") {
  TEST_CASE("statements, rows and the end are told apart, wherever the pieces end") {
    // Rows that look like the end of the data, or begin like it.
    const std::string rows = "\\N\t1\n\\\\.\t2\na\\.\tb\n\n\\N\n";
    for (std::size_t piece = 1; piece < 40; ++piece) {
      CAPTURE(piece);
      Log log;
      CHECK(read(kHead + kCopy + rows + kEnd, log, piece) == Rows{{"checkpoints", 5}});
      CHECK(log.data == rows);
      CHECK(log.text ==
            "sql:SET client_encoding = 'UTF8';\nCREATE TABLE public.checkpoints (\n    thread_id text NOT NULL\n);\n"
            "copy:public|checkpoints|(thread_id, type)end:");
    }
  }

  TEST_CASE("of a whole database nothing is left out but what is for psql, and tables are named with their schemas") {
    const std::string body =
        "CREATE FUNCTION public.f() RETURNS text\n    LANGUAGE sql\n    AS $$\n-- a word\n\nGRANT\n$$;\n"
        "ALTER FUNCTION public.f() OWNER TO somebody;\nCOMMENT ON EXTENSION x IS 'y';\n";
    const std::string copy = "COPY \"a.b\".\"c (d\"\"\" (\"e\", f) FROM stdin;\n1\t2\n\\.\n";
    Log log;
    DumpText text(log, DumpOf::database);
    text.write(kHead + body + copy + kCopy + "a\tb\n" + kEnd);
    text.end();
    CHECK(text.rows() == Rows{{"\"a.b\".\"c (d\"\"\"", 1}, {"public.checkpoints", 1}});
    CHECK(log.text.find("AS $$\n-- a word\n\nGRANT\n$$;\nALTER FUNCTION public.f() OWNER TO somebody;\n") !=
          std::string::npos);
    for (const char* left_out : {"restrict", "transaction_timeout", "COMMENT ON EXTENSION"})
      CHECK(log.text.find(left_out) == std::string::npos);
    CHECK(log.text.find("set_config('search_path'") != std::string::npos);
  }

  TEST_CASE("a table without rows is a table") {
    Log log;
    CHECK(read(kHead + kCopy + kEnd, log, 1000) == Rows{{"checkpoints", 0}});
  }

  TEST_CASE("a dump without its end is cut short, and another text is no dump") {
    Log log;
    const std::string whole = kHead + kCopy + "a\tb\n" + kEnd;
    const std::size_t mark = whole.find("-- PostgreSQL database dump complete");
    for (const std::size_t size : {mark, mark - 5, whole.find("a\tb\n") + 2}) {
      CHECK_THROWS_WITH(read(whole.substr(0, size), log, 1000), "the dump is cut short");
    }
    CHECK_THROWS_WITH(read("", log, 1000), "it is not what pg_dump writes");
    CHECK_THROWS_WITH(read("hello\n", log, 1000), "it is not what pg_dump writes");
  }

  TEST_CASE("the digest of a table's rows does not depend on their order or on pieces, but on every byte") {
    const auto sum = [](const std::string& rows, std::size_t piece) {
      ContentHash hash;
      read(kHead + kCopy + rows + kEnd, hash, piece);
      return hash.sums().at("checkpoints");
    };
    const auto wanted = sum("a\tb\nc\td\n", 1000);
    CHECK(sum("c\td\na\tb\n", 3) == wanted);
    CHECK(sum("a\tb\nc\te\n", 3) != wanted);
    CHECK(sum("a\tb\nc\td\nc\td\n", 3) != wanted);
  }
}
