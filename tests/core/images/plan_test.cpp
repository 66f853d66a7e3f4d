// SPDX-License-Identifier: Apache-2.0
#include "core/images/plan.hpp"

#include "tests/core/images/layouts.hpp"

using namespace wrktalk;
using namespace wrktalk::test;
using Json = LayoutFiles::Json;

namespace {

struct Folder {
  base::TempDir folder{"/tmp", "wrktalk-images-"};
  base::NoPulse pulse;

  images::Plan plan(const LayoutFiles& layout, const std::vector<std::string>& references = {},
                    const std::vector<std::string>& platforms = {"linux/amd64"}) {
    return plan_of({{layout.write_folder(folder.path() + "/layout"), std::nullopt}}, references, platforms);
  }

  images::Plan plan_of(const std::vector<images::Place>& places, const std::vector<std::string>& references = {},
                       const std::vector<std::string>& platforms = {"linux/amd64"}) {
    std::vector<images::Platform> parsed;
    for (const auto& one : platforms) parsed.push_back(images::parse_platform(one));
    return images::make_plan(places, references, parsed, pulse);
  }

  std::string file(const std::string& name, const std::string& bytes) const {
    base::write_file(folder.path() + "/" + name, bytes, 0644);
    return folder.path() + "/" + name;
  }
};

std::string refusal(const LayoutFiles& layout, const std::vector<std::string>& references = {},
                    const std::vector<std::string>& platforms = {"linux/amd64"}) {
  Folder f;
  try {
    f.plan(layout, references, platforms);
  } catch (const base::Error& error) {
    CHECK(error.kind() == base::Kind::artifact);
    return error.what();
  }
  return "it was taken";
}

}  // namespace

TEST_SUITE("images::plan") {
  TEST_CASE("a layout is read from a folder, a tar and a packed tar alike") {
    LayoutFiles layout;
    const auto digest = layout.top(layout.manifest({"one", "two"}), "shop:1");
    Folder f;
    const auto folder = layout.write_folder(f.folder.path() + "/layout");
    for (const auto& path : {folder, f.file("x.tar", layout.tar()), f.file("x.tgz", gzip(layout.tar()))}) {
      const auto plan = f.plan_of({{path, std::nullopt}}, {"docker.io/library/shop:1"});
      REQUIRE(plan.images.size() == 1);
      CHECK(plan.images[0].reference == "docker.io/library/shop:1");
      CHECK(plan.images[0].digest == digest);
      CHECK(plan.images[0].platforms == std::vector<std::string>{"linux/amd64"});
      CHECK(plan.images[0].size == plan.size());
      CHECK(plan.pieces.size() == 4);
      CHECK(plan.not_carried.empty());
    }
  }

  TEST_CASE("of an index the wanted platforms are taken, attestations and others are not") {
    LayoutFiles layout;
    const auto amd = LayoutFiles::on(layout.blob(layout.manifest({"a"}).dump(), kManifestType), "amd64");
    const auto arm = LayoutFiles::on(layout.blob(layout.manifest({"b"}, "arm64").dump(), kManifestType), "arm64");
    const auto absent =
        LayoutFiles::on({{"mediaType", kManifestType}, {"digest", digest_of("absent")}, {"size", 9}}, "s390x");
    auto proof = LayoutFiles::on({{"mediaType", kManifestType}, {"digest", digest_of("proof")}, {"size", 9}}, "unknown",
                                 "unknown");
    layout.top(layout.index({amd, arm, absent, proof}), "shop:1");
    Folder f;
    CHECK(f.plan(layout).pieces.size() == 4);
    const auto both = f.plan(layout, {}, {"linux/amd64", "linux/arm64"});
    CHECK(both.pieces.size() == 7);
    CHECK(both.images[0].platforms == std::vector<std::string>{"linux/amd64", "linux/arm64"});
    CHECK(refusal(layout, {}, {"linux/riscv64"}).find("it is not for linux/riscv64, but for linux/amd64") !=
          std::string::npos);
    CHECK(refusal(layout, {}, {"linux/s390x"}).find("is missing") != std::string::npos);
  }

  TEST_CASE("references of the bundle find their images by name and by digest; what is not there is told") {
    LayoutFiles layout;
    const auto digest = layout.top(layout.manifest({"a"}), "registry.example.org/shop/web:1");
    const auto nameless = layout.top(layout.manifest({"b"}));
    const std::vector<std::string> references = {
        "registry.example.org/shop/web:1", "registry.example.org/other@" + digest, "web:2@" + nameless, "alpine:3"};
    Folder f;
    const auto plan = f.plan(layout, references);
    CHECK(plan.images.size() == 3);
    CHECK(plan.not_carried == std::vector<std::string>{"alpine:3"});
  }

  TEST_CASE("an image without a name is the one that is meant, or has to be named") {
    LayoutFiles layout;
    layout.top(layout.manifest({"a"}));
    Folder f;
    CHECK(f.plan(layout, {"shop:1"}).images.at(0).reference == "shop:1");
    CHECK(refusal(layout).find("does not say what its image") != std::string::npos);
    CHECK(refusal(layout, {"shop:1", "web:1"}).find("does not say what its image") != std::string::npos);
    CHECK(f.plan_of({{f.folder.path() + "/layout", "web:1"}}, {"shop:1", "web:1"}).images.at(0).reference == "web:1");
  }

  TEST_CASE("docker save: layers are hashed as they are, linked ones once, and a manifest is made") {
    const std::string config = R"({"os":"linux","architecture":"amd64","rootfs":{"diff_ids":[]}})";
    const auto saved = [&](const std::string& layer) {
      return Tar()
          .file("c.json", config)
          .file("1/layer.tar", "raw layer")
          .link("2/layer.tar", "../1/layer.tar")
          .file("3/layer.tar", gzip("packed layer"))
          .file("manifest.json",
                R"([{"Config":"c.json","RepoTags":["shop:1","shop:latest"],"Layers":["1/layer.tar","2/layer.tar",")" +
                    layer + R"("]}])")
          .bytes();
    };
    Folder f;
    const auto plan = f.plan_of({{f.file("saved.tar", saved("3/layer.tar")), std::nullopt}}, {"shop:1"});
    CHECK(plan.images.size() == 2);
    CHECK(plan.pieces.size() == 4);
    CHECK(plan.pieces.at(digest_of("raw layer")).blob.media_type == images::kOciLayer);
    CHECK(plan.pieces.at(digest_of(gzip("packed layer"))).blob.media_type == kLayerType);
    CHECK(plan.pieces.count(digest_of(config)) == 1);
    for (const char* path : {"../../etc/passwd", "/etc/passwd", "4/layer.tar"}) {
      CHECK_THROWS_AS(f.plan_of({{f.file("saved.tar", saved(path)), std::nullopt}}), base::Error);
    }
  }

  TEST_CASE("skopeo's folders, one image or a folder each") {
    LayoutFiles layout;
    const auto manifest = layout.manifest({"a"}).dump();
    std::map<std::string, std::string> dir = {{"version", "Directory Transport Version: 1.1\n"},
                                              {"manifest.json", manifest}};
    for (const auto& [name, bytes] : layout.files) dir[name.substr(name.rfind('/') + 1)] = bytes;
    Folder f;
    LayoutFiles one;
    one.files = dir;
    CHECK(f.plan_of({{one.write_folder(f.folder.path() + "/dir"), "shop:1"}}).images.at(0).digest ==
          digest_of(manifest));
    LayoutFiles many;
    for (const auto& [name, bytes] : dir) many.files["registry.example.org/shop/web:1/" + name] = bytes;
    CHECK(f.plan_of({{many.write_folder(f.folder.path() + "/sync"), std::nullopt}}).images.at(0).reference ==
          "registry.example.org/shop/web:1");
  }

  TEST_CASE("bad layouts are refused") {
    LayoutFiles good;
    good.top(good.manifest({"one", "two"}), "shop:1");
    const std::string layer = "blobs/sha256/" + base::sha256_hex("one");

    LayoutFiles missing = good;
    missing.files.erase(layer);
    CHECK(refusal(missing).find("blob " + digest_of("one") + " is missing") != std::string::npos);

    LayoutFiles longer = good;
    longer.files[layer] += "x";
    CHECK(refusal(longer).find("has 4 bytes, 3 are declared") != std::string::npos);

    LayoutFiles lie;
    auto manifest = lie.manifest({"one"});
    manifest["layers"][0]["size"] = INT64_MAX;
    lie.top(manifest, "shop:1");
    CHECK(refusal(lie).find("are declared") != std::string::npos);
    for (const Json& size : {Json(-1), Json("3"), Json(1e30), Json(UINT64_MAX), Json()}) {
      LayoutFiles odd;
      auto bad = odd.manifest({"one"});
      bad["layers"][0]["size"] = size;
      odd.top(bad, "shop:1");
      CHECK(refusal(odd).find("tells no size") != std::string::npos);
    }

    for (const auto& digest : {std::string("../../../etc/passwd"), std::string("sha256:12"),
                               "sha512:" + std::string(128, 'a'), "sha256:" + std::string(64, 'A')}) {
      LayoutFiles odd;
      auto bad = odd.manifest({"one"});
      bad["layers"][0]["digest"] = digest;
      odd.top(bad, "shop:1");
      CHECK(refusal(odd).find("where a sha256 digest belongs") != std::string::npos);
    }

    LayoutFiles nested;
    const auto child = LayoutFiles::on(nested.blob(nested.manifest({"a"}).dump(), kManifestType), "amd64");
    nested.top(nested.index({nested.blob(nested.index({child}).dump(), kIndexType)}), "shop:1");
    CHECK(refusal(nested).find("holds another index") != std::string::npos);

    LayoutFiles huge;
    auto large = huge.manifest({"one"});
    large["annotations"] = {{"x", std::string(5'000'000, 'x')}};
    huge.top(large, "shop:1");
    CHECK(refusal(huge).find("is larger than 4.2 MB") != std::string::npos);

    for (const char* where : {"layers", "config"}) {
      LayoutFiles odd;
      auto bad = odd.manifest({"one"});
      (bad[where].is_array() ? bad[where][0] : bad[where])["mediaType"] = "application/vnd.example.unknown";
      odd.top(bad, "shop:1");
      CHECK(refusal(odd).find("media type \"application/vnd.example.unknown\"") != std::string::npos);
    }

    LayoutFiles twice;
    twice.top(twice.manifest({"one"}), "shop:1");
    twice.top(twice.manifest({"two"}), "docker.io/library/shop:1");
    CHECK(refusal(twice).find("two images are called") != std::string::npos);

    LayoutFiles long_tag;
    long_tag.top(long_tag.manifest({"one"}), "shop:" + std::string(300, 't'));
    CHECK(refusal(long_tag).find("its tag has 300 characters") != std::string::npos);

    LayoutFiles flipped = good;
    for (auto& [name, bytes] : flipped.files) {
      if (bytes.find("\"layers\":[") != std::string::npos) bytes.replace(bytes.find("schemaVersion"), 1, "S");
    }
    CHECK(refusal(flipped).find("is damaged") != std::string::npos);

    LayoutFiles both;
    auto confused = both.manifest({"one"});
    confused["manifests"] = Json::array();
    both.top(confused, "shop:1");
    CHECK(refusal(both).find("both a manifest and an index") != std::string::npos);

    LayoutFiles empty;
    empty.files["readme"] = "";
    CHECK(refusal(empty).find("it holds no images") != std::string::npos);
  }
}
