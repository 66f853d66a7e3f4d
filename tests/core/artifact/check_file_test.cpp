// SPDX-License-Identifier: Apache-2.0
#include "core/artifact/artifact.hpp"
#include "core/base/error.hpp"
#include "core/base/files.hpp"
#include "tests/support/tar.hpp"

#include <doctest/doctest.h>

using namespace wrktalk;
using test::Tar;

namespace {

class File {
 public:
  explicit File(const std::string& bytes) { base::write_file(path_, bytes, 0644); }
  artifact::CheckedFile check(const artifact::Limits& limits = {}, const std::optional<std::string>& type = {}) {
    return artifact::check_file(path_, type, limits, pulse_);
  }
  std::string refusal(const artifact::Limits& limits, const std::optional<std::string>& type = {}) {
    try {
      check(limits, type);
    } catch (const base::Error& e) {
      CHECK(e.kind() == base::Kind::artifact);
      return std::string(e.what()).substr(path_.size());
    }
    return {};
  }
  std::map<std::string, std::string> read(const std::set<std::string>& names, std::size_t largest = 100) {
    return artifact::read_files(check(), names, largest, {}, pulse_);
  }

 private:
  base::TempDir dir_{"/tmp", "check-file-"};
  std::string path_ = dir_.path() + "/x.tgz";
  base::NoPulse pulse_;
};

}  // namespace

TEST_SUITE("artifact::check_file") {
  TEST_CASE("a compose bundle says which file compose is pointed to, and gives its files") {
    File bundle(test::gzip(Tar()
                               .file("app/docker-compose.yml", "old")
                               .file("app/sub/compose.yaml", "no")
                               .file("app/compose.yml", "new")
                               .file("app/big", std::string(101, 'x'))
                               .bytes()));
    CHECK(bundle.check().compose_file() == "app/compose.yml");
    CHECK(bundle.read({"app/compose.yml", "app/sub/compose.yaml", "app/gone", "app"}) ==
          std::map<std::string, std::string>{{"app/compose.yml", "new"}, {"app/sub/compose.yaml", "no"}});
    CHECK_THROWS_WITH_AS(bundle.read({"app/big"}), "app/big is larger than 100 B", base::Error);
    CHECK(File(test::gzip(Tar().file("x", "").file("compose.yaml", "").bytes())).check().compose_file() ==
          "compose.yaml");
    CHECK(File(test::gzip(Tar().file("Chart.yaml", "").bytes())).check().compose_file().empty());
  }

  TEST_CASE("a chart has lower limits than other releases, whether it was called one or found to be one") {
    artifact::Limits limits;
    limits.chart_unpacked_bytes = 100'000;
    limits.chart_entries = 3;
    const auto with = [](const char* name, int more, std::size_t size) {
      Tar tar;
      tar.file(name, std::string(size, 'x'));
      for (int i = 0; i < more; ++i) tar.file("f" + std::to_string(i), "");
      return test::gzip(tar.bytes());
    };
    for (const auto& type : {std::optional<std::string>(), std::optional<std::string>("helm")}) {
      CHECK(File(with("Chart.yaml", 2, 10)).refusal(limits, type).empty());
      CHECK(File(with("Chart.yaml", 3, 10)).refusal(limits, type) == ": the archive has more than 3 entries");
      CHECK(File(with("Chart.yaml", 0, 200'000)).refusal(limits, type) ==
            ": the archive unpacks to more than 100.0 kB");
    }
    CHECK(File(with("compose.yaml", 3, 200'000)).refusal(limits).empty());
    limits.entries = 2;
    CHECK(File(with("Chart.yaml", 2, 10)).refusal(limits) == ": the archive has more than 2 entries");
    CHECK(artifact::Limits().of("helm").unpacked_bytes == 200'000'000);
    CHECK(artifact::Limits().of("host").unpacked_bytes == 20'000'000'000);
  }
}
