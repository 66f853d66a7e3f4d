// SPDX-License-Identifier: Apache-2.0
#include "core/images/export.hpp"

#include "core/artifact/part_file.hpp"
#include "core/artifact/run_blocking.hpp"
#include "core/artifact/tar_writer.hpp"
#include "core/images/reference.hpp"

#include <nlohmann/json.hpp>

namespace wrktalk::images {
namespace {

std::string index_of(const std::vector<Image>& images, const std::vector<Blob>& blobs) {
  nlohmann::ordered_json index = {{"schemaVersion", 2}, {"mediaType", kOciIndex}};
  index["manifests"] = nlohmann::ordered_json::array();
  for (const auto& image : images) {
    std::int64_t size = 0;
    for (const auto& blob : blobs) {
      if (blob.digest == image.digest) size = blob.size;
    }
    const Reference reference = parse_reference(image.reference);
    nlohmann::ordered_json notes = {{"io.containerd.image.name", image.reference}};
    if (!reference.tag.empty()) notes["org.opencontainers.image.ref.name"] = reference.tag;
    index["manifests"].push_back(
        {{"mediaType", image.media_type}, {"digest", image.digest}, {"size", size}, {"annotations", notes}});
  }
  return index.dump();
}

}  // namespace

void export_to(db::raw::Connection& db, const std::vector<Image>& images, const std::vector<Blob>& blobs,
               const std::string& path, base::Pulse& pulse, const SentCall& progress) {
  artifact::PartFile file(path);
  artifact::TarWriter tar([&](std::string_view bytes) { file.write(bytes); });
  tar.file("oci-layout", R"({"imageLayoutVersion":"1.0.0"})");
  tar.file("index.json", index_of(images, blobs));
  std::int64_t done = 0;
  for (const auto& blob : blobs) {
    tar.begin("blobs/sha256/" + blob.digest.substr(blob.digest.find(':') + 1), blob.size);
    read_blob(
        db, blob,
        [&](std::string_view piece) {
          tar.data(piece);
          done += static_cast<std::int64_t>(piece.size());
          if (progress) progress(done);
        },
        pulse);
  }
  tar.finish();
  artifact::run_blocking(pulse, [&] { file.commit(); });
}

}  // namespace wrktalk::images
