// SPDX-License-Identifier: Apache-2.0
#include "core/yaml/document.hpp"

#include "core/base/error.hpp"

#include <doctest/doctest.h>

using namespace wrktalk;
using yaml::Node;

namespace {

yaml::Document only(const std::string& text, const yaml::Limits& limits = {}) {
  auto documents = yaml::read(text, "a.yml", limits);
  REQUIRE(documents.size() == 1);
  return std::move(documents.front());
}

std::string why(const std::string& text, const yaml::Limits& limits = {}) {
  try {
    yaml::read(text, "a.yml", limits);
  } catch (const base::Error& e) {
    CHECK(e.kind() == base::Kind::artifact);
    return e.what();
  }
  return "it was read";
}

}  // namespace

TEST_SUITE("yaml::read") {
  TEST_CASE("a key is found however it is written") {
    for (const char* text : {
             "env_file: v\n",
             "\"env_file\": v\n",
             "'env_file' : v\n",
             "\"env\\x5ffile\": v\n",
             "\"\\u0065nv_file\": v\n",
             "? \"env_\\\n  file\"\n: v\n",
             "? env_file\n: v\n",
             "? |-\n  env_file\n: v\n",
             "{env_file: v}\n",
             "{\"env_file\":\"v\"}\n",
             "!!str env_file: v\n",
             "! env_file: v\n",
             "&a env_file: &b v\n",
             "x: &k env_file\n*k : v\n",
             "a: 1\xE2\x80\xA8"
             "env_file: v\n",
             "a: 1\xC2\x85"
             "env_file: v\n",
             "a: 1\r"
             "env_file: v\n",
             "\xEF\xBB\xBF"
             "env_file: v\n",
             "%YAML 1.1\n%TAG !e! tag:yaml.org,2002:\n---\n!e!str env_file: v\n",
             "Env_File: v\n",
             "<<: {env_file: v}\n",
             "<<: [{a: 1}, {<<: {env_file: v}}]\n",
             "x: &m {env_file: v}\n<<: *m\n",
         }) {
      CAPTURE(text);
      const auto document = only(text);
      CHECK(document.root().text_of("env_file") == "v");
    }
  }

  TEST_CASE("values keep their lines; every one of a repeated key is given") {
    const auto document = only("# head\na:\n  - x\n  - \"y\"\nb: ~\na: true\n");
    const Node& root = document.root();
    REQUIRE(root.values("a").size() == 2);
    CHECK(root.values("a")[0]->items[1]->line == 4);
    CHECK(root.values("a")[0]->items[1]->is_quoted);
    CHECK(root.values("a")[1]->is_true());
    CHECK(root.values("b")[0]->is_null());
    CHECK(root.values("c").empty());
  }

  TEST_CASE("several documents are read, empty ones left out") {
    CHECK(yaml::read("", "a").empty());
    CHECK(yaml::read("---\n---\n# nothing\n", "a").empty());
    CHECK(yaml::read("a: 1\n---\n---\nb: 2\n...\n", "a").size() == 2);
  }

  TEST_CASE("what is no YAML that can be judged is refused with its line") {
    CHECK(why("a: 1\nb: [\n") == "a.yml:3: this is no YAML: did not find expected node content");
    CHECK(why("a: 1\n? [b]\n: 2\n") == "a.yml:2: a key is no plain text");
    CHECK(why("a: &a\n  b: *a\n") == "a.yml:2: the anchor 'a' would hold itself");
    CHECK(why("a: *b\n") == "a.yml:1: no anchor is named 'b'");
    CHECK(why("a: 1\n!!binary ZW52X2ZpbGU=: x\n") == "a.yml:2: a binary value cannot be judged");
    CHECK(why(std::string("a: 1\nb: \0\nc: 2", 14)) == "a.yml:1: this is no YAML: control characters are not allowed");
    CHECK(why("\xFF\xFE"
              "a\0:\0 \0"
              "1\0")
              .find("a.yml:1: this is no YAML") == 0);
    CHECK(why("a: \xC3(\n").find("this is no YAML") != std::string::npos);
    CHECK(why("a: 1", {3, 100}) == "a.yml:1: it is larger than 3 B");
  }

  TEST_CASE("a billion laughs, deep nesting and large flow collections end soon") {
    std::string laughs = "a0: &a0 [x, x]\n";
    for (int i = 1; i < 60; ++i) {
      const std::string before = "*a" + std::to_string(i - 1);
      laughs += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before + ", " + before + "]\n";
    }
    CHECK(why(laughs).find("with its aliases written out it is too large") != std::string::npos);
    std::string merges = "a0: &a0 {k: x}\n";
    for (int i = 1; i < 60; ++i) {
      const std::string before = "*a" + std::to_string(i - 1);
      merges += "a" + std::to_string(i) + ": &a" + std::to_string(i) + "\n  <<: [" + before + ", " + before + "]\n";
    }
    CHECK(why(merges).find("with its aliases written out it is too large") != std::string::npos);
    std::string chain = "a0: &a0 {k: x}\n";
    for (int i = 1; i < 600; ++i)
      chain += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " {<<: *a" + std::to_string(i - 1) + "}\n";
    CHECK(why(chain).find("it is nested too deeply") != std::string::npos);
    CHECK(why(std::string(100'000, '[')).find("a.yml:1") == 0);
    std::string dashes;
    for (int i = 0; i < 20'000; ++i) dashes += "- ";
    CHECK(why(dashes) == "a.yml:1: it is nested too deeply");
    std::string wide = "a: [";
    for (int i = 0; i < 200'000; ++i) wide += "b: ,";
    CHECK(why(wide + "]\n") == "it was read");
    CHECK(why("a: " + std::string(900'000, 'x') + "\n") == "it was read");
  }
}

TEST_SUITE("yaml::read_json") {
  TEST_CASE("JSON gives the same nodes, and nothing that is none") {
    const auto documents =
        yaml::read_json(R"({"a": [1, -2, 1.50, true, null, "tr\u0075e", {}], "b": {"A": "x\u2028y"}})", "j");
    const Node& root = documents.at(0).root();
    const auto& items = root.values("a")[0]->items;
    REQUIRE(items.size() == 7);
    CHECK(items[1]->text == "-2");
    CHECK(items[2]->text == "1.50");
    CHECK(items[3]->is_true());
    CHECK(items[4]->is_null());
    CHECK(items[5]->is_true());
    CHECK(items[6]->is_mapping());
    CHECK(root.values("b")[0]->text_of("a") == "x\xE2\x80\xA8y");
    CHECK(yaml::read_json("\"\"", "j").at(0).root().is_scalar());
    for (const std::string& bad : {std::string(), std::string("{"), std::string("{\"a\": 1} x"), std::string("[\xFF]"),
                                   std::string(2000, '[')}) {
      CHECK_THROWS_AS(yaml::read_json(bad, "j"), base::Error);
    }
    CHECK_THROWS_AS(yaml::read_json("[1, 2]", "j", {3, 100}), base::Error);
    CHECK_THROWS_AS(yaml::read_json("[1, 2]", "j", {100, 2}), base::Error);
  }
}
