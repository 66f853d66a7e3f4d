// SPDX-License-Identifier: Apache-2.0
#include "core/images/load_stream.hpp"

#include "core/artifact/library.hpp"
#include "tests/core/images/image_layout.hpp"

#include <algorithm>
#include <map>
#include <vector>

using namespace wrktalk;
using namespace wrktalk::images;
using namespace wrktalk::test;
using nlohmann::json;

namespace {

struct Written {
  std::vector<std::string> order;
  std::map<std::string, std::string> files;
};

/// As libarchive reads it.
Written read_tar(const std::string& bytes) {
  const auto& library = artifact::libarchive();
  const artifact::ArchiveReader reader(library.read_new());
  library.read_support_format_tar(reader.get());
  std::string left = bytes;
  library.read_open(
      reader.get(), &left, nullptr,
      [](archive*, void* data, const void** out) -> la_ssize_t {
        static std::string piece;
        piece.swap(*static_cast<std::string*>(data));
        static_cast<std::string*>(data)->clear();
        *out = piece.data();
        return static_cast<la_ssize_t>(piece.size());
      },
      nullptr);
  Written out;
  archive_entry* entry = nullptr;
  while (library.read_next_header(reader.get(), &entry) == ARCHIVE_OK) {
    const std::string name = library.entry_pathname(entry);
    out.order.push_back(name);
    std::string& text = out.files[name];
    const void* block = nullptr;
    std::size_t size = 0;
    la_int64_t offset = 0;
    while (library.read_data_block(reader.get(), &block, &size, &offset) == ARCHIVE_OK)
      text.append(static_cast<const char*>(block), size);
  }
  return out;
}

std::string stream_of(const Layout& layout, const std::vector<Load>& loads, bool unpack_zstd = false) {
  std::string bytes;
  write_load(loads, unpack_zstd, layout.reader(), [&](std::string_view piece) { bytes.append(piece); });
  return bytes;
}

std::vector<LoadImage> images_in(const Layout& layout) {
  return load_images(layout.images, layout.blobs(), parse_platform("linux/amd64"), layout.reader());
}

}  // namespace

TEST_CASE("a stream is an OCI layout that docker load reads, and ends with what names the images") {
  Layout layout;
  layout.add("shop:1", {noise(1'000'000, 1), noise(10, 2)});
  layout.add("registry.example.org/shop/db:7", {noise(1'000'000, 1), noise(300'000, 3)});
  std::vector<Load> loads;
  for (const auto& image : images_in(layout)) loads.push_back({image, 0});
  const Written tar = read_tar(stream_of(layout, loads));

  const json manifests = json::parse(tar.files.at("manifest.json"));
  REQUIRE(manifests.size() == 2);
  CHECK(manifests[0]["RepoTags"] == json{"shop:1"});
  CHECK(manifests[1]["RepoTags"] == json{"registry.example.org/shop/db:7"});
  CHECK(manifests[0]["Layers"][0] == manifests[1]["Layers"][0]);
  for (const auto& manifest : manifests) {
    for (const auto& layer : manifest["Layers"]) {
      const std::string path = layer;
      CHECK(path == "blobs/sha256/" + base::sha256_hex(tar.files.at(path)));
    }
    CHECK(tar.files.count(manifest["Config"]) == 1);
  }
  const json index = json::parse(tar.files.at("index.json"));
  CHECK(index["manifests"][0]["annotations"]["io.containerd.image.name"] == "docker.io/library/shop:1");
  CHECK(index["manifests"][0]["annotations"]["org.opencontainers.image.ref.name"] == "1");
  CHECK(tar.files.count("blobs/sha256/" + layout.images[0].digest.substr(7)) == 1);
  CHECK(tar.files.at("oci-layout") == R"({"imageLayoutVersion":"1.0.0"})");
  CHECK(tar.order.back() == "manifest.json");
  // The shared layer once: three layers, two configurations, two manifests, and three files about them.
  CHECK(tar.order.size() == 10);
  std::int64_t blobs = 0;
  for (const auto& [name, text] : tar.files) {
    if (name.find("blobs/") == 0) blobs += static_cast<std::int64_t>(text.size());
  }
  CHECK(load_size(loads) == blobs);
}

TEST_CASE("layers that the engine has are left out, and named all the same") {
  Layout layout;
  layout.add("shop:1", {noise(1'000'000, 1), noise(500'000, 2), noise(10, 3)});
  const auto images = images_in(layout);
  const std::string bytes = stream_of(layout, {{images[0], 2}});
  CHECK(bytes.size() < 20'000);
  const Written tar = read_tar(bytes);
  const json layers = json::parse(tar.files.at("manifest.json"))[0]["Layers"];
  REQUIRE(layers.size() == 3);
  CHECK(tar.files.count(layers[0]) == 0);
  CHECK(tar.files.count(layers[1]) == 0);
  CHECK(tar.files.count(layers[2]) == 1);
}

TEST_CASE("a layer that one image needs is written although another does not need it") {
  Layout layout;
  layout.add("a:1", {noise(1000, 1)});
  layout.add("b:1", {noise(1000, 1), noise(1000, 2)});
  const auto images = images_in(layout);
  const Written tar = read_tar(stream_of(layout, {{images[0], 1}, {images[1], 0}}));
  CHECK(tar.files.count("blobs/sha256/" + base::sha256_hex(noise(1000, 1))) == 1);
}

TEST_CASE("layers packed by zstd are unpacked for an engine that does not know it") {
  Layout layout;
  const std::string plain = noise(700'000, 4) + std::string(3'000'000, 'z');
  layout.add("shop:1", {plain}, "application/vnd.oci.image.layer.v1.tar+zstd");
  const auto images = images_in(layout);
  CHECK(images[0].layers[0].size < 1'000'000);

  const Written packed = read_tar(stream_of(layout, {{images[0], 0}}));
  CHECK(packed.files.count("blobs/sha256/" + images[0].layers[0].digest.substr(7)) == 1);

  const Written tar = read_tar(stream_of(layout, {{images[0], 0}}, true));
  const std::string path = json::parse(tar.files.at("manifest.json"))[0]["Layers"][0];
  CHECK(path == "blobs/sha256/" + images[0].diff_ids[0].substr(7));
  CHECK(tar.files.at(path) == plain);
  CHECK(tar.files.count("index.json") == 0);
}

TEST_CASE("only the platform's image is taken out of an index, and a release without it is refused") {
  Layout layout;
  layout.add_index("shop:1", {{"linux/arm64", noise(1000, 1)}, {"linux/amd64", noise(1000, 2)}});
  const auto images = images_in(layout);
  CHECK(images[0].diff_ids == std::vector<std::string>{digest_of(noise(1000, 2))});
  CHECK(images[0].top.digest != images[0].manifest.digest);
  const Written tar = read_tar(stream_of(layout, {{images[0], 0}}));
  CHECK(tar.files.count("blobs/sha256/" + base::sha256_hex(noise(1000, 1))) == 0);
  CHECK(json::parse(tar.files.at("index.json"))["manifests"][0]["digest"] == images[0].top.digest);

  CHECK_THROWS_WITH(load_images(layout.images, layout.blobs(), parse_platform("linux/s390x"), layout.reader()),
                    "the release carries image shop:1 for linux/arm64, linux/amd64, and the engine needs linux/s390x");
}

TEST_CASE("what is named by digest gets a name that an engine can keep") {
  Layout layout;
  const std::string at = "@" + layout.add("app:1", {noise(10, 1)});
  layout.images[0].reference = "app:1" + at;
  layout.images.push_back(layout.images[0]);
  layout.images.back().reference = "registry:5000/app" + at;
  layout.add("other", {noise(10, 2)});
  layout.add("app:2", {noise(10, 3)});
  layout.add("app:2@" + layout.images[0].digest, {noise(10, 4)});
  std::map<std::string, std::string> names;
  for (const auto& image : images_in(layout)) names[image.reference] = image.name;
  CHECK(names["app:1" + at] == "app:1");
  CHECK(names["registry:5000/app" + at] == "registry:5000/app:" + at.substr(8, 12));
  CHECK(names["other"] == "other:latest");
  CHECK(names["app:2"] == "app:2");
  CHECK(names["app:2@" + layout.images[0].digest] == "app:" + layout.images.back().digest.substr(7, 12));
}

TEST_CASE("a damaged blob ends the stream before it names an image") {
  Layout layout;
  layout.add("shop:1", {noise(1'000'000, 1)});
  const auto images = images_in(layout);
  const BlobReader damaged = [&](const Blob& blob, const Sink& sink) {
    layout.reader()(blob, sink);
    if (blob.size > 500'000) throw base::Error(base::Kind::artifact, "damaged");
  };
  std::string bytes;
  CHECK_THROWS_WITH(write_load({{images[0], 0}}, false, damaged, [&](std::string_view piece) { bytes.append(piece); }),
                    "damaged");
  CHECK(read_tar(bytes).files.count("manifest.json") == 0);
}
