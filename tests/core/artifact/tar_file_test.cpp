// SPDX-License-Identifier: Apache-2.0
#include "core/artifact/tar_file.hpp"

#include "core/base/error.hpp"
#include "core/base/files.hpp"
#include "tests/support/tar.hpp"

#include <doctest/doctest.h>

using namespace wrktalk;
using test::Tar;

namespace {

struct Archive {
  explicit Archive(const std::string& bytes) { base::write_file(path(), bytes, 0644); }
  std::string path() const { return folder.path() + "/x.tar"; }

  std::string text(const artifact::TarFile& tar, const std::string& name) {
    std::string out;
    tar.read(
        tar.entries().at(name), [&](std::string_view piece) { out += piece; }, pulse);
    return out;
  }

  base::TempDir folder{"/tmp", "wrktalk-tar-"};
  base::NoPulse pulse;
};

}  // namespace

TEST_SUITE("artifact::TarFile") {
  TEST_CASE("files are read in any order, from plain and packed archives") {
    const std::string large(3'000'000, 'x');
    const std::string plain = Tar().file("./index.json", "{}").file("blobs/a", large).file("b/c", "").bytes();
    for (const auto& bytes : {plain, test::gzip(plain)}) {
      Archive archive(bytes);
      const artifact::TarFile tar(archive.path(), archive.pulse);
      CHECK(tar.entries().size() == 3);
      CHECK(archive.text(tar, "b/c").empty());
      CHECK(archive.text(tar, "blobs/a") == large);
      CHECK(archive.text(tar, "index.json") == "{}");
      CHECK(archive.text(tar, "blobs/a") == large);
    }
  }

  TEST_CASE("what is no whole archive is refused") {
    const std::string plain = Tar().file("a", std::string(600'000, 'x')).file("b", "y").bytes();
    const auto opened = [](const std::string& bytes) {
      Archive archive(bytes);
      const artifact::TarFile tar(archive.path(), archive.pulse);
      for (const auto& [name, entry] : tar.entries()) archive.text(tar, name);
    };
    opened(plain);
    CHECK_THROWS_AS(opened("no archive at all, whatever it is called"), base::Error);
    CHECK_THROWS_AS(opened(plain.substr(0, 400'000)), base::Error);
    CHECK_THROWS_AS(opened(test::gzip(plain).substr(0, 300)), base::Error);
  }
}
