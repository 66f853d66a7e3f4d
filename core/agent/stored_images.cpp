// SPDX-License-Identifier: Apache-2.0
#include "core/agent/stored_images.hpp"

#include "core/base/error.hpp"
#include "core/deploy/deployer.hpp"
#include "core/images/reference.hpp"
#include "core/queue/target.hpp"

#include <algorithm>

namespace wrktalk::agent {
namespace {

images::BlobReader reader_of(db::raw::Connection& db, base::Pulse& pulse) {
  return [&](const images::Blob& blob, const images::Sink& sink) { images::read_blob(db, blob, sink, pulse); };
}

deploy::CarriedImage carried(const images::LoadImage& image) {
  deploy::CarriedImage out;
  out.reference = image.reference;
  out.name = image.name;
  out.ids = {image.config.digest, image.manifest.digest, image.top.digest};
  out.diff_ids = image.diff_ids;
  return out;
}

}  // namespace

std::vector<deploy::CarriedImage> StoredImages::images(const std::string& version, const Platform& platform,
                                                       base::Pulse& pulse) {
  std::vector<deploy::CarriedImage> out;
  for (const auto& image : known(version, platform, pulse)) out.push_back(carried(image));
  return out;
}

bool StoredImages::is_same(const std::string& one, const std::string& other) const {
  const auto a = images::parse_reference(one);
  try {
    const auto b = images::parse_reference(other);
    return a.name() == b.name() && a.digest == b.digest;
  } catch (const base::Error&) {
    return false;  // what a release's files name may be no reference at all: compose will say so
  }
}

std::int64_t StoredImages::size(const Stream& stream, base::Pulse& pulse) {
  return images::load_size(loads(stream, pulse));
}

void StoredImages::write(const Stream& stream, const std::function<void(std::string_view)>& sink, base::Pulse& pulse) {
  const auto all = loads(stream, pulse);
  auto db = link_.raw();
  images::write_load(all, stream.unpack_zstd, reader_of(db, pulse), sink);
}

const StoredImages::Known& StoredImages::known(const std::string& version, const Platform& platform,
                                               base::Pulse& pulse) {
  const auto found = known_.find(version);
  if (found != known_.end()) return found->second;
  Known all;
  auto& session = link_.session();
  if (const auto id = queue::artifact_of_version(session, base::chart_type(base::TargetKind::docker), version)) {
    const auto stored = images::images_of(session, *id);
    if (!stored.empty()) {
      auto db = link_.raw();
      all = images::load_images(stored, images::blobs_of(session, *id), images::parse_platform(platform()),
                                reader_of(db, pulse));
    }
  }
  return known_.emplace(version, std::move(all)).first->second;
}

std::vector<images::Load> StoredImages::loads(const Stream& stream, base::Pulse& pulse) {
  const Known& all = known(
      stream.version, [&] { return stream.platform; }, pulse);
  std::vector<images::Load> out;
  for (const auto& wanted : stream.images) {
    const auto image =
        std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.reference == wanted.image.reference; });
    if (image != all.end()) out.push_back({*image, wanted.present});
  }
  return out;
}

}  // namespace wrktalk::agent
