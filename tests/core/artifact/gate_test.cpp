// SPDX-License-Identifier: Apache-2.0
#include "core/artifact/gate.hpp"

#include "core/base/error.hpp"

#include <doctest/doctest.h>

#include <random>
#include <set>
#include <vector>

using namespace wrktalk;
using artifact::Entry;
using artifact::Gate;
using artifact::Header;
using artifact::Limits;
using artifact::Links;

namespace {

Header header(const std::string& path, Header::Type type = Header::Type::file, const std::string& target = {},
              mode_t mode = 0644) {
  Header made;
  made.type = type;
  made.path = path;
  made.link_target = target;
  made.mode = mode;
  return made;
}

/// The error's text; empty when the entries pass.
std::string refusal(const std::vector<Header>& headers, Links links = Links::refused, const Limits& limits = {}) {
  Gate gate(limits, links);
  try {
    for (const Header& one : headers) gate.admit(one);
    return {};
  } catch (const base::Error& error) {
    CHECK(error.kind() == base::Kind::artifact);
    return error.what();
  }
}

bool refused(const std::vector<Header>& headers, Links links = Links::refused, const Limits& limits = {}) {
  return !refusal(headers, links, limits).empty();
}

constexpr auto kFile = Header::Type::file;
constexpr auto kFolder = Header::Type::folder;
constexpr auto kLink = Header::Type::symbolic_link;

}  // namespace

TEST_SUITE("artifact::Gate") {
  TEST_CASE("ordinary trees pass, in any order and with or without their folders") {
    CHECK_FALSE(refused({header("./", kFolder), header("./a/", kFolder), header("./a/b"), header("c")}));
    CHECK_FALSE(
        refused({header("a/b/c"), header("a/", kFolder), header("a/b", kFolder), header("a/..b"), header("...")}));
    CHECK_FALSE(refused({header("gr\xC3\xBC\xC3\x9F"
                                "e/\xE2\x82\xAC.txt"),
                         header("with space"), header("-rf")}));
  }

  TEST_CASE("paths come out relative and plain") {
    Gate gate({}, Links::refused);
    const auto entry = gate.admit(header("././a//b/./c"));
    REQUIRE(entry.has_value());
    CHECK(entry->path == "a/b/c");
    CHECK_FALSE(gate.admit(header("./", kFolder)).has_value());
  }

  TEST_CASE("paths that leave the tree, or are none, are refused") {
    for (const char* path :
         {"/etc/passwd", "//x", "..", "../x", "a/../../x", "a/..", "a/../b", "", "a\nb", "a\x7F", "\x1B[2J"}) {
      CHECK(refused({header(path)}));
      CHECK(refused({header(path, kFolder)}));
    }
    CHECK(refused({header(".")}));
    CHECK(refused({header("a/")}));
  }

  TEST_CASE("names that steer a terminal or look like others are refused, in links too") {
    for (const char* name : {"a\xC2\x9B"
                             "2J",
                             "gnp\xE2\x80\xAE"
                             "exe",
                             "a\xE2\x80\x8B",
                             "\xEF\xBB\xBF"
                             "a",
                             "a\xF3\xA0\x81\x81",
                             "a\xC2\xAD"
                             "b",
                             "a\x9B"
                             "2J",
                             "a\tb"}) {
      CHECK(refusal({header(name)}).find("not shown") != std::string::npos);
      CHECK(refused({header("link", kLink, name)}, Links::inside));
    }
    CHECK_FALSE(refused({header("caf\xE9"), header("\xE6\x97\xA5\xE6\x9C\xAC"), header("\xD7\xA9")}));
  }

  TEST_CASE("a name may come once, and a file is no folder") {
    CHECK(refused({header("a"), header("a")}));
    CHECK(refused({header("a"), header("./a")}));
    CHECK(refused({header("a"), header("a/", kFolder)}));
    CHECK(refused({header("a/", kFolder), header("a")}));
    CHECK(refused({header("a/", kFolder), header("a", kFolder)}));
    CHECK(refused({header("a"), header("a/b")}));
    CHECK(refused({header("a/b"), header("a")}));
    CHECK(refused({header("a/b"), header("a//b")}));
    CHECK(refused({header("a/b/c"), header("a/b", kLink, "c")}, Links::inside));
    CHECK(refused({header("a", kLink, "b"), header("a/b")}, Links::inside));
  }

  TEST_CASE("only files and folders pass") {
    CHECK(refusal({header("a", Header::Type::hard_link)}) == "refused entry \"a\": it is a hard link");
    CHECK(refusal({header("a", Header::Type::other)}) == "refused entry \"a\": it is neither a file nor a folder");
    CHECK(refusal({header("a", kLink, "b")}) == "refused entry \"a\": it is a symbolic link");
  }

  TEST_CASE("links pass where they are allowed and cannot lead out") {
    const auto link = [](const char* path, const char* target) {
      return refused({header(path, kLink, target)}, Links::inside);
    };
    for (const char* target : {"b", "./b", "b/c", ".", "b/", "..b"}) CHECK_FALSE(link("a", target));
    CHECK_FALSE(link("x/y/a", "../b"));
    CHECK_FALSE(link("x/y/a", "../../b/c"));
    CHECK_FALSE(link("x/y/a", "./.././../b"));
    CHECK(link("a", ".."));
    CHECK(link("a", "../b"));
    CHECK(link("x/a", "../.."));
    CHECK(link("x/y/a", "../../../b"));
    // Through another link "b/.." may be anywhere.
    CHECK(link("x/y/a", "b/.."));
    CHECK(link("x/y/a", "../b/../c"));
    for (const char* target : {"/etc/passwd", "", "a\nb"}) CHECK(link("a", target));
  }

  TEST_CASE("modes keep no more than 0755, and setuid files are refused") {
    const auto mode = [](mode_t given, Header::Type type) {
      Gate gate({}, Links::refused);
      return gate.admit(header("a", type, {}, given))->mode;
    };
    CHECK(mode(0777, kFile) == 0755);
    CHECK(mode(0666, kFile) == 0644);
    CHECK(mode(0600, kFile) == 0600);
    CHECK(mode(0, kFile) == 0600);
    CHECK(mode(01777, kFolder) == 0755);
    CHECK(mode(02775, kFolder) == 0755);
    CHECK(mode(0, kFolder) == 0700);
    CHECK(refused({header("a", kFile, {}, 04755)}));
    CHECK(refused({header("a", kFile, {}, 02755)}));
  }

  TEST_CASE("entries, depth and length have limits") {
    Limits limits;
    limits.entries = 3;
    limits.depth = 4;
    limits.path_bytes = 20;
    CHECK_FALSE(refused({header("a"), header("b"), header("c")}, Links::refused, limits));
    CHECK(refused({header("a"), header("b"), header("c"), header("d")}, Links::refused, limits));
    CHECK_FALSE(refused({header("a/b/c/d")}, Links::refused, limits));
    CHECK(refused({header("a/b/c/d/e")}, Links::refused, limits));
    CHECK(refused({header(std::string(21, 'a'))}, Links::refused, limits));
    CHECK(refused({header(std::string(256, 'a'))}));
  }

  TEST_CASE("sizes and the ratio have limits") {
    Limits limits;
    limits.unpacked_bytes = 1'000'000'000;
    const Gate gate(limits, Links::refused);
    CHECK_NOTHROW(gate.check_flow(1, 100'000'000));
    CHECK_NOTHROW(gate.check_flow(1'000'000, 200'000'000));
    CHECK_THROWS_AS(gate.check_flow(1'000'000, 201'000'000), base::Error);
    CHECK_THROWS_AS(gate.check_flow(900'000'000, 1'000'000'001), base::Error);
  }

  TEST_CASE("a refused name is shown on one short line") {
    const std::string text = refusal({header("/\x1B[31m\n" + std::string(900, 'x'))});
    CHECK(text.size() < 300);
    CHECK(text.find_first_of("\x1B\n") == std::string::npos);
  }

  TEST_CASE("whatever random paths pass, they are unique, relative and plain") {
    std::mt19937 random(42);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same in every run
    const std::vector<std::string> parts = {"a", "b", "..", ".", "", "c\n", "...", "d"};
    int passed = 0;
    for (int archive = 0; archive < 300; ++archive) {
      Gate gate({}, Links::inside);
      std::set<std::string> files;
      std::set<std::string> seen;
      for (int i = 0; i < 40; ++i) {
        std::string path;
        for (auto n = random() % 5; n-- > 0;) path += parts[random() % parts.size()] + "/";
        path += parts[random() % parts.size()];
        const auto type = random() % 2 == 0 ? kFile : kFolder;
        try {
          const auto entry = gate.admit(header(path, type));
          if (!entry) continue;
          ++passed;
          const std::string& plain = entry->path;
          CHECK(plain.front() != '/');
          CHECK(("/" + plain + "/").find("/../") == std::string::npos);
          CHECK(("/" + plain + "/").find("/./") == std::string::npos);
          CHECK(("/" + plain + "/").find("//") == std::string::npos);
          CHECK(plain.find('\n') == std::string::npos);
          CHECK(seen.insert(plain).second);
          for (auto slash = plain.find('/'); slash != std::string::npos; slash = plain.find('/', slash + 1)) {
            CHECK(files.count(plain.substr(0, slash)) == 0);
          }
          if (entry->type == Entry::Type::file) files.insert(plain);
        } catch (const base::Error&) {
        }
      }
    }
    CHECK(passed > 1000);
  }
}
