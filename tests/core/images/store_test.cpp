// SPDX-License-Identifier: Apache-2.0
#include "tests/core/images/fixture.hpp"

using namespace wrktalk;
using namespace wrktalk::test;

namespace {

struct Site : ImageSite {
  std::string blob(const std::string& bytes) {
    const std::string digest = digest_of(bytes);
    db.run("INSERT INTO image_blob (digest, size_bytes) VALUES ($1, $2::bigint)", digest, bytes.size());
    std::string hex;
    for (const char c : bytes) {
      constexpr const char* kDigits = "0123456789abcdef";
      const auto value = static_cast<unsigned char>(c);
      hex += kDigits[value >> 4];
      hex += kDigits[value & 15];
    }
    db.run(
        "INSERT INTO image_blob_chunk (digest, seq, data) SELECT $1, i, substring(decode($2, 'hex') FROM i * 262144 + "
        "1 "
        "FOR 262144) FROM generate_series(0, ($3::integer - 1) / 262144) i WHERE $3::integer > 0",
        digest, hex, bytes.size());
    return digest;
  }

  std::string read(const std::string& digest, std::int64_t from, std::int64_t to) {
    std::string out;
    images::read_blob(
        db, digest, from, to,
        [&](std::string_view piece) {
          CHECK(piece.size() <= static_cast<std::size_t>(images::kChunk));
          out += piece;
        },
        pulse);
    return out;
  }

  std::string copied(const std::string& digest, std::size_t size) {
    std::string out;
    images::read_blob(
        raw, {digest, "", static_cast<std::int64_t>(size)}, [&](auto piece) { out += piece; }, pulse);
    return out;
  }
};

}  // namespace

TEST_SUITE("images::store") {
  TEST_CASE("a blob comes back whole and in every range") {
    if (!test::have_postgres()) return;
    Site site;
    for (const std::size_t size : {0U, 1U, 262'143U, 262'144U, 262'145U, 700'000U}) {
      const std::string bytes = noise(size, size + 1);
      const std::string digest = site.blob(bytes);
      const auto end = static_cast<std::int64_t>(size);
      CHECK(images::blob_size(site.db, digest) == end);
      CHECK(site.read(digest, 0, end) == bytes);
      CHECK(site.copied(digest, size) == bytes);
      for (const std::int64_t from : {0, 1, 262'143, 262'144, 300'000}) {
        for (const std::int64_t to : {1, 262'144, 262'145, 524'288, 700'000}) {
          if (from > to || to > end) continue;
          CAPTURE(from);
          CAPTURE(to);
          CHECK(site.read(digest, from, to) ==
                bytes.substr(static_cast<std::size_t>(from), static_cast<std::size_t>(to - from)));
        }
      }
      CHECK_THROWS_AS(site.read(digest, 0, end + 1), base::Error);
    }
    CHECK_FALSE(images::blob_size(site.db, digest_of("other")));
  }

  TEST_CASE("a blob that is damaged or gone is refused, whichever way it is read") {
    if (!test::have_postgres()) return;
    Site site;
    const std::string bytes = noise(700'000, 7);
    const std::string digest = site.blob(bytes);
    const auto refused = [&](const std::string& damage) {
      CAPTURE(damage);
      site.db.run("CREATE TABLE kept AS SELECT * FROM image_blob_chunk");
      site.db.run(damage);
      CHECK_THROWS_WITH_AS(site.read(digest, 0, 700'000), doctest::Contains("is damaged"), base::Error);
      CHECK_THROWS_WITH_AS(site.copied(digest, 700'000), doctest::Contains("is damaged"), base::Error);
      site.db.run("DELETE FROM image_blob_chunk");
      site.db.run("INSERT INTO image_blob_chunk SELECT * FROM kept");
      site.db.run("DROP TABLE kept");
      CHECK(site.copied(digest, 700'000) == bytes);
    };
    refused("UPDATE image_blob_chunk SET data = set_byte(data, 17, get_byte(data, 17) # 1) WHERE seq = 1");
    refused("DELETE FROM image_blob_chunk WHERE seq = 1");
    refused("DELETE FROM image_blob_chunk WHERE seq = 2");
    refused("UPDATE image_blob_chunk SET data = substring(data FOR 1000) WHERE seq = 2");
    CHECK_THROWS_WITH_AS(site.read(digest_of("other"), 0, 0), doctest::Contains("is not stored"), base::Error);
  }

  TEST_CASE("a release's images and blobs are listed, and keep their blobs") {
    if (!test::have_postgres()) return;
    Site site;
    const auto id = site.release("1");
    const auto layer = site.blob("layer");
    const auto manifest = site.blob("manifest");
    site.db.run("INSERT INTO release_image VALUES ($1::uuid, 'shop:1', $2, 'm', '{linux/amd64,linux/arm64/v8}', 13)",
                id, manifest);
    site.db.run("INSERT INTO release_image_blob VALUES ($1::uuid, $2, 'm'), ($1::uuid, $3, 'l')", id, manifest, layer);
    const auto found = images::images_of(site.db, id);
    REQUIRE(found.size() == 1);
    CHECK(found[0].reference == "shop:1");
    CHECK(found[0].digest == manifest);
    CHECK(found[0].platforms == std::vector<std::string>{"linux/amd64", "linux/arm64/v8"});
    CHECK(found[0].size == 13);
    CHECK(images::blobs_of(site.db, id).size() == 2);
    CHECK_THROWS_AS(site.db.run("DELETE FROM image_blob WHERE digest = $1", layer), base::Error);
    site.db.run("DELETE FROM release_artifact WHERE id = $1::uuid", id);
    CHECK(images::images_of(site.db, id).empty());
    site.db.run("DELETE FROM image_blob");
    CHECK(site.count("image_blob_chunk") == 0);
  }
}
