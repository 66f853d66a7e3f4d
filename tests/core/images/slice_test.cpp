// SPDX-License-Identifier: Apache-2.0
#include "core/images/slice.hpp"

#include "core/base/text.hpp"
#include "tests/core/images/fixture.hpp"

#include <doctest/doctest.h>

using namespace wrktalk;
using namespace wrktalk::images;

namespace {

constexpr std::int64_t kSlice = 64 << 10;

Blob store(test::ImageSite& site, const std::string& bytes) {
  const Blob blob{test::digest_of(bytes), "application/octet-stream", static_cast<std::int64_t>(bytes.size())};
  site.db.run("INSERT INTO image_blob (digest, size_bytes) VALUES ($1, $2)", blob.digest, blob.size);
  for (std::int64_t seq = 0; seq * kChunk < blob.size; ++seq) {
    const auto part = bytes.substr(static_cast<std::size_t>(seq * kChunk), kChunk);
    site.db.run("INSERT INTO image_blob_chunk VALUES ($1, $2::integer, decode($3, 'hex'))", blob.digest, seq,
                base::to_hex(reinterpret_cast<const unsigned char*>(part.data()), part.size()));
  }
  return blob;
}

std::string read(test::ImageSite& site, const Blob& blob, std::int64_t from) {
  std::string out;
  for (std::int64_t at = from; at < blob.size;) {
    const auto end = slice_end(blob, at, kSlice);
    out += read_slice(site.raw, blob, at, end, site.pulse);
    at = end;
  }
  return out;
}

}  // namespace

TEST_SUITE("images::read_slice") {
  TEST_CASE("slices are the blob, from wherever they begin") {
    if (!test::have_postgres()) return;
    test::ImageSite site;
    const std::string bytes = test::noise(2 * kChunk + 1000, 1);
    const Blob blob = store(site, bytes);
    for (const std::int64_t from : {std::int64_t{0}, std::int64_t{1}, kSlice, kChunk - 1, kChunk, blob.size - 1}) {
      CAPTURE(from);
      CHECK((read(site, blob, from) == bytes.substr(static_cast<std::size_t>(from))));
    }
  }

  TEST_CASE("a slice never reaches into the next chunk") {
    const Blob blob{"", "", 10 * kChunk};
    CHECK(slice_end(blob, 0, kSlice) == kSlice);
    CHECK(slice_end(blob, 5, kSlice) == kSlice);
    CHECK(slice_end(blob, kChunk - 1, kSlice) == kChunk);
    CHECK(slice_end({"", "", kChunk + 7}, kChunk, kSlice) == kChunk + 7);
  }

  TEST_CASE("a chunk that is gone or too short is an error") {
    if (!test::have_postgres()) return;
    test::ImageSite site;
    const Blob blob = store(site, test::noise(kChunk + 1000, 2));
    site.db.run("UPDATE image_blob_chunk SET data = substring(data FROM 1 FOR 10) WHERE seq = 1");
    CHECK_THROWS_WITH_AS(read(site, blob, 0), doctest::Contains("its part 1 is missing or shorter"), base::Error);
    site.db.run("DELETE FROM image_blob_chunk WHERE seq = 0");
    CHECK_THROWS_WITH_AS(read(site, blob, 0), doctest::Contains("its part 0 is missing"), base::Error);
    CHECK(site.raw.query("SELECT 1", {}, site.pulse, base::Deadline::never()).rows.size() == 1);
  }
}
