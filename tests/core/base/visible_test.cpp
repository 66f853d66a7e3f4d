// SPDX-License-Identifier: Apache-2.0
#include "core/base/visible.hpp"

#include "core/base/text.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace wrktalk;

TEST_SUITE("base::visible") {
  TEST_CASE("what steers a terminal or is not shown is written out") {
    CHECK(base::visible("a\x1b[31m\x07"
                        "b\x7f") == "a\\x1b[31m\\x07b\\u007f");
    CHECK(base::visible("\xC2\x9B"
                        "2J\xC2\x85") == "\\u009b2J\\u0085");
    CHECK(base::visible("\xE2\x80\xAE\xE2\x81\xA6\xD8\x9C") == "\\u202e\\u2066\\u061c");
    CHECK(base::visible("a\xE2\x80\x8B\xE2\x80\x8D\xEF\xBB\xBF\xC2\xAD"
                        "b") == "a\\u200b\\u200d\\ufeff\\u00adb");
    CHECK(base::visible("\xF3\xA0\x81\x81\xE2\x80\xA8") == "\\udb40\\udc41\\u2028");
    CHECK(base::visible("a\rb\r\nc\n\td") == "a\\x0db\nc\n\td");
    CHECK(base::visible(std::string("a\0\x9B"
                                    "b",
                                    4)) ==
          "a\xEF\xBF\xBD\xEF\xBF\xBD"
          "b");
  }

  TEST_CASE("what is shown stays as it is") {
    for (const char* text : {"", "plain", "Änne Müller", "日本語", "שלום", "✅ ⚠️ 🔄", "a\\x1b"}) {
      CHECK(base::visible(text) == text);
      CHECK_FALSE(base::has_hidden(text));
    }
  }

  TEST_CASE("JSON means the same behind it") {
    const std::string hostile = "\x1b\x7f\xC2\x9B\xE2\x80\xAE\xF3\xA0\x81\x81\"\\ \n end";
    const auto document = nlohmann::json{{hostile, {hostile, 1}}};
    const std::string shown = base::visible(document.dump());
    CHECK(nlohmann::json::parse(shown) == document);
    CHECK_FALSE(base::has_hidden(shown));
  }

  TEST_CASE("a text that holds such characters is known, a byte of C1 without UTF-8 too") {
    for (const char* text : {"\x1b", "a\xE2\x80\x8B", "\xC2\x9B",
                             "\x9B"
                             "31m",
                             "a\rb"})
      CHECK_MESSAGE(base::has_hidden(text), base::visible(text));
    CHECK_FALSE(base::has_hidden("caf\xE9"));
  }

  TEST_CASE("one line holds neither") { CHECK(base::one_line(" a\r\nb\tc\xE2\x80\xAE ") == "a  b c\\u202e"); }
}
