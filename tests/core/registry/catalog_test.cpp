// SPDX-License-Identifier: Apache-2.0
#include "core/registry/catalog.hpp"

#include "core/base/text.hpp"
#include "tests/core/images/fixture.hpp"

#include <doctest/doctest.h>

using namespace wrktalk;
using namespace wrktalk::registry;

namespace {

const std::string kIndex = "application/vnd.oci.image.index.v1+json";
const std::string kManifest = "application/vnd.docker.distribution.manifest.v2+json";

struct Site : test::ImageSite {
  Catalog catalog;

  std::string blob(const std::string& bytes) {
    const std::string digest = test::digest_of(bytes);
    db.run("INSERT INTO image_blob VALUES ($1, $2) ON CONFLICT DO NOTHING", digest, bytes.size());
    db.run("INSERT INTO image_blob_chunk VALUES ($1, 0, decode($2, 'hex')) ON CONFLICT DO NOTHING", digest,
           base::to_hex(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()));
    return digest;
  }
  static std::string descriptor(const std::string& digest, const std::string& type) {
    return R"({"mediaType":")" + type + R"(","digest":")" + digest + R"(","size":1})";
  }
  std::string manifest(const std::string& layer) {
    return blob(R"({"mediaType":")" + kManifest + R"(","layers":[)" + descriptor(blob(layer), "layer") + "]}");
  }
  std::string index(const std::string& manifest_digest, const std::string& absent) {
    return blob(R"({"manifests":[)" + descriptor(manifest_digest, "wrong/type") + "," + descriptor(absent, kManifest) +
                "]}");
  }
  void image(const std::string& artifact, const std::string& reference, const std::string& digest,
             const std::string& type) {
    db.run("INSERT INTO release_image VALUES ($1, $2, $3, $4, '{}', 0)", artifact, reference, digest, type);
  }
  std::string found(const std::string& path, const std::string& host = "") {
    try {
      const auto blob = catalog.find(raw, parse_path(path), host, pulse);
      return blob.digest + " " + blob.media_type;
    } catch (const Refusal& refusal) {
      return std::to_string(refusal.status) + " " + refusal.code;
    }
  }
};

}  // namespace

TEST_SUITE("registry::Catalog") {
  TEST_CASE("an index, its manifest and its layer are found, each with its type") {
    if (!test::have_postgres()) return;
    Site site;
    const auto manifest = site.manifest("layer");
    const auto index = site.index(manifest, "sha256:" + std::string(64, '5'));
    site.image(site.release("1"), "r.example.com/shop/api:1", index, kIndex);
    CHECK(site.found("/v2/shop/api/manifests/1") == index + " " + kIndex);
    CHECK(site.found("/v2/shop/api/manifests/" + manifest) == manifest + " " + kManifest);  // the document's own
    CHECK(site.found("/v2/shop/api/blobs/" + test::digest_of("layer")) ==
          test::digest_of("layer") + " application/octet-stream");
    CHECK(site.found("/v2/shop/api/manifests/" + test::digest_of("layer")) == "404 MANIFEST_UNKNOWN");
    CHECK(site.found("/v2/shop/api/manifests/sha256:" + std::string(64, '5')) == "404 MANIFEST_UNKNOWN");
    CHECK(site.found("/v2/shop/web/manifests/1") == "404 NAME_UNKNOWN");
  }

  TEST_CASE("a platform that is stored later is found without a restart") {
    if (!test::have_postgres()) return;
    Site site;
    const std::string other_layer = "layer of another platform";
    const std::string other = R"({"mediaType":")" + kManifest + R"(","layers":[)" +
                              Site::descriptor(test::digest_of(other_layer), "layer") + "]}";
    const auto index = site.index(site.manifest("layer"), test::digest_of(other));
    site.image(site.release("1"), "api:1", index, kIndex);
    CHECK(site.found("/v2/api/blobs/" + test::digest_of(other_layer)) == "404 BLOB_UNKNOWN");
    site.blob(other);
    site.blob(other_layer);
    CHECK(site.found("/v2/api/blobs/" + test::digest_of(other_layer)) ==
          test::digest_of(other_layer) + " application/octet-stream");
  }

  TEST_CASE("a repository has the blobs of its own images only, also within a release") {
    if (!test::have_postgres()) return;
    Site site;
    const auto release = site.release("1");
    site.image(release, "api:1", site.manifest("one"), kManifest);
    site.image(release, "web:1", site.manifest("two"), kManifest);
    CHECK(site.found("/v2/api/blobs/" + test::digest_of("two")) == "404 BLOB_UNKNOWN");
    CHECK(site.found("/v2/web/blobs/" + test::digest_of("two")) != "404 BLOB_UNKNOWN");
  }

  TEST_CASE("the newest release says what a tag means, and every digest stays") {
    if (!test::have_postgres()) return;
    Site site;
    const auto older = site.manifest("old");
    const auto newer = site.manifest("new");
    const auto release = site.release("2");
    site.image(release, "api:1", newer, kManifest);
    const auto before = site.release("1");
    site.image(before, "api:1@" + older, older, kManifest);
    site.db.run("UPDATE release_artifact SET created_at = now() - interval '1 day' WHERE id = $1", before);
    CHECK(site.found("/v2/api/manifests/1") == newer + " " + kManifest);
    CHECK(site.found("/v2/api/manifests/" + older) == older + " " + kManifest);
    CHECK(Catalog::tags(site.raw, "api", "", site.pulse) == std::vector<std::string>{"1"});
  }

  TEST_CASE("a tag that two hosts have is served without a host only when it is the same image") {
    if (!test::have_postgres()) return;
    Site site;
    const auto one = site.manifest("one");
    const auto release = site.release("1");
    site.image(release, "a.example.com/api:1", one, kManifest);
    site.image(release, "b.example.com/api:1", one, kManifest);
    CHECK(site.found("/v2/api/manifests/1") == one + " " + kManifest);
    const auto two = site.manifest("two");
    site.db.run("UPDATE release_image SET digest = $1 WHERE reference LIKE 'b%'", two);
    CHECK(site.found("/v2/api/manifests/1") == "404 MANIFEST_UNKNOWN");
    CHECK(site.found("/v2/api/manifests/1", "b.example.com") == two + " " + kManifest);
    CHECK(site.found("/v2/a.example.com/api/manifests/1") == one + " " + kManifest);
  }

  TEST_CASE("a damaged manifest is an error, not an answer") {
    if (!test::have_postgres()) return;
    Site site;
    site.image(site.release("1"), "api:1", site.manifest("layer"), kManifest);
    site.db.run("UPDATE image_blob_chunk SET data = set_byte(data, 5, 0) WHERE get_byte(data, 0) = 123");
    CHECK_THROWS_WITH_AS(site.found("/v2/api/manifests/1"), doctest::Contains("is damaged"), base::Error);
  }
}
