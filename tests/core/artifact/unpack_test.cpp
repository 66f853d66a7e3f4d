// SPDX-License-Identifier: Apache-2.0
#include "core/artifact/unpack.hpp"

#include "core/artifact/tree_writer.hpp"
#include "core/base/error.hpp"
#include "core/base/files.hpp"
#include "tests/core/artifact/memory_source.hpp"
#include "tests/support/tar.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/stat.h>

using namespace wrktalk;
using artifact::Links;
using test::Tar;

namespace {

/// A folder to unpack into, and a neighbour that must stay empty.
struct Place {
  base::TempDir top{"/tmp", "wrktalk-unpack-"};
  std::string tree = top.path() + "/tree";
  std::string outside = top.path() + "/outside";

  Place() {
    base::make_directories(tree, 0755);
    base::make_directories(outside, 0755);
  }

  artifact::Totals unpack(const std::string& packed, Links links = Links::refused,
                          const artifact::Limits& limits = {}) const {
    test::MemorySource source(packed, 10'000);
    artifact::HashedSource hashed(source);
    artifact::Gate gate(limits, links);
    const base::Fd root(::open(tree.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    artifact::TreeWriter writer(root.get());
    base::NoPulse pulse;
    const auto totals = artifact::unpack(hashed, gate, writer, pulse);
    writer.finish();
    return totals;
  }

  std::string refusal(const std::string& packed, Links links = Links::refused,
                      const artifact::Limits& limits = {}) const {
    try {
      unpack(packed, links, limits);
      return {};
    } catch (const base::Error& error) {
      CHECK(error.kind() == base::Kind::artifact);
      return error.what();
    }
  }

  std::string read(const std::string& path) const { return base::read_file(tree + "/" + path, 10'000'000); }

  mode_t mode(const std::string& path) const {
    struct stat info {};
    REQUIRE(::lstat((tree + "/" + path).c_str(), &info) == 0);
    return info.st_mode & 07777;
  }
};

std::string refusal_in_new_place(const std::string& packed, Links links = Links::refused,
                                 const artifact::Limits& limits = {}) {
  return Place().refusal(packed, links, limits);
}

}  // namespace

TEST_SUITE("artifact::unpack") {
  TEST_CASE("a tree is written with content, modes and times") {
    const Place place;
    const std::string large(1'000'000, 'x');
    const auto totals = place.unpack(test::gzip(Tar()
                                                    .folder("./")
                                                    .folder("app/", 0700)
                                                    .file("app/run.sh", "#!/bin/sh\n", 0777)
                                                    .file("app/deep/er/large", large)
                                                    .file("app/empty", "")
                                                    .file("readme", "text", 0666)
                                                    .bytes()));
    CHECK(totals.entries == 5);
    CHECK(place.read("app/run.sh") == "#!/bin/sh\n");
    CHECK(place.read("app/deep/er/large") == large);
    CHECK(place.read("app/empty").empty());
    CHECK(place.mode("app") == 0700);
    CHECK(place.mode("app/deep/er") == 0755);
    CHECK(place.mode("app/run.sh") == 0755);
    CHECK(place.mode("readme") == 0644);
    struct stat info {};
    REQUIRE(::stat((place.tree + "/readme").c_str(), &info) == 0);
    CHECK(info.st_mtime == 1'700'000'000);
  }

  TEST_CASE("long names and names beyond ASCII come out as they are, in any locale") {
    const Place place;
    const std::string deep = std::string(90, 'd') + "/" + std::string(90, 'e') + "/f";
    const std::string record =
        "path=gr\xC3\xBC\xC3\x9F"
        "e\n";
    const std::string pax = std::to_string(record.size() + 3) + " " + record;
    place.unpack(Tar().file(deep, "deep").entry('x', "pax", pax, 0644, "", pax.size()).file("short", "pax").bytes());
    CHECK(place.read(deep) == "deep");
    CHECK(place.read("gr\xC3\xBC\xC3\x9F"
                     "e") == "pax");
  }

  TEST_CASE("links inside the tree are made for those who may have them") {
    const Place place;
    place.unpack(Tar().file("lib/x.so.1", "elf").link("lib/x.so", "x.so.1").link("current", "lib").bytes(),
                 Links::inside);
    CHECK(place.read("current/x.so") == "elf");
  }

  TEST_CASE("nothing is written outside, whatever the archive says") {
    const auto refused = [](const Tar& tar, Links links) {
      const Place place;
      return !place.refusal(tar.bytes(), links).empty() && ::rmdir(place.outside.c_str()) == 0;
    };
    for (const Links links : {Links::refused, Links::inside}) {
      CHECK(refused(Tar().file("../outside/x", "x"), links));
      CHECK(refused(Tar().file("a/../../outside/x", "x"), links));
      CHECK(refused(Tar().file("/tmp/wrktalk-outside/x", "x"), links));
      CHECK(refused(Tar().link("s1", "../outside").file("s1/x", "x"), links));
      CHECK(refused(Tar().link("s2", "/tmp/wrktalk-outside").file("s2/x", "x"), links));
      CHECK(refused(Tar().folder("d/").link("d/s3", "..").link("d/s4", "s3/../outside").file("d/s4/x", "x"), links));
      CHECK(refused(Tar().link("s5", "d").file("s5/x", "x"), links));
      CHECK(refused(Tar().entry('1', "hard", "", 0644, "../outside/x", 0), links));
      CHECK(refused(Tar().entry('1', "hard", "", 0644, "/etc/passwd", 0), links));
      CHECK(refused(Tar().entry('3', "char", "", 0644, "", 0), links));
      CHECK(refused(Tar().entry('4', "block", "", 0644, "", 0), links));
      CHECK(refused(Tar().entry('6', "fifo", "", 0644, "", 0), links));
      CHECK(refused(Tar().file("suid", "x", 04755), links));
      CHECK(refused(Tar().file("twice", "1").file("./twice", "2"), links));
    }
  }

  TEST_CASE("a link that lies there already is not followed") {
    const Place place;
    REQUIRE(::symlink("../outside", (place.tree + "/s").c_str()) == 0);
    REQUIRE(::symlink("../outside/f", (place.tree + "/f").c_str()) == 0);
    CHECK_THROWS_AS(place.unpack(Tar().file("s/x", "x").bytes()), base::Error);
    CHECK_THROWS_AS(place.unpack(Tar().file("f", "x").bytes()), base::Error);
    CHECK_THROWS_AS(place.unpack(Tar().folder("s/").bytes()), base::Error);
    CHECK(::rmdir(place.outside.c_str()) == 0);
  }

  TEST_CASE("a bomb ends at its limit") {
    artifact::Limits small;
    small.unpacked_bytes = 1'000'000;
    const std::string zeros(3'000'000, '\0');
    CHECK(refusal_in_new_place(test::gzip(Tar().file("zeros", zeros).bytes()), Links::refused, small) ==
          "the archive unpacks to more than 1.0 MB");
    // The end mark does not hide what follows it.
    CHECK_FALSE(refusal_in_new_place(test::gzip(Tar().file("a", "x").bytes() + zeros), Links::refused, small).empty());

    std::string packed;
    const std::string member = test::gzip(std::string(5'000'000, '\0'));
    for (int i = 0; i < 22; ++i) packed += member;
    CHECK_FALSE(refusal_in_new_place(test::gzip(Tar().file("a", "x").unfinished()) + packed).empty());

    small.entries = 10;
    Tar many;
    for (int i = 0; i < 11; ++i) many.file("f" + std::to_string(i), "");
    CHECK(refusal_in_new_place(many.bytes(), Links::refused, small) == "the archive has more than 10 entries");
  }

  TEST_CASE("what is no whole tar archive is refused with a reason") {
    const Place place;
    CHECK(place.refusal(std::string(2000, 'x')).find("not a tar archive") == 0);
    CHECK(place.refusal(test::gzip("hello")).find("not a tar archive") == 0);
    CHECK(place.refusal(test::gzip(Tar().bytes())) == "the archive holds no files");
    CHECK(place.refusal(Tar().folder("./").bytes()) == "the archive holds no files");
    const std::string whole = Tar().file("a", std::string(5000, 'a')).file("b", std::string(5000, 'b')).unfinished();
    CHECK(place.refusal(whole.substr(0, 3000)).find("damaged or cut short") != std::string::npos);
    const std::string packed = test::gzip(Tar().file("c", "x").bytes());
    CHECK(place.refusal(packed.substr(0, packed.size() - 3)) == "the gzip data is cut short");
  }

  TEST_CASE("a sparse file is refused") {
    const Place place;
    const std::string record =
        "22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n29 GNU.sparse.name=real-name\n"
        "32 GNU.sparse.realsize=100000000\n";
    const std::string map = "1\n99999999\n1\n" + std::string(512 - 13, '\0') + "x";
    CHECK_FALSE(place.refusal(Tar().entry('x', "pax", record, 0644, "", record.size()).file("s", map).bytes()).empty());
  }

  TEST_CASE("changed bytes are refused or unpacked inside, never anything else") {
    const std::string whole = Tar().folder("a/").file("a/b", "12345").link("a/c", "b").file("d", "6").bytes();
    for (std::size_t at = 0; at < whole.size(); at += at < 2100 ? 1 : 37) {
      const Place place;
      std::string changed = whole;
      changed[at] = static_cast<char>(changed[at] ^ 1 << at % 8);
      place.refusal(changed, Links::inside);
      CHECK(::rmdir(place.outside.c_str()) == 0);
    }
  }

  TEST_CASE("the digest is that of all packed bytes") {
    const std::string packed = test::gzip(Tar().file("a", "x").bytes()) + std::string(100'000, '\0');
    test::MemorySource source(packed);
    artifact::HashedSource hashed(source);
    artifact::Gate gate({}, Links::refused);
    const Place place;
    const base::Fd root(::open(place.tree.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    artifact::TreeWriter writer(root.get());
    base::NoPulse pulse;
    artifact::unpack(hashed, gate, writer, pulse);
    CHECK(hashed.size_bytes() == packed.size());
    CHECK(hashed.digest() == base::sha256_hex(packed));
  }
}
