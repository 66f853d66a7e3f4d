// SPDX-License-Identifier: Apache-2.0
#include "core/transfer/gather.hpp"

#include "core/images/add.hpp"
#include "core/transfer/engine_image.hpp"
#include "core/transfer/registry_image.hpp"
#include "core/transfer/spool.hpp"

#include <variant>

namespace wrktalk::transfer {
namespace {

using Source = std::variant<EngineImage, RegistryImage>;

class Gatherer {
 public:
  Gatherer(db::raw::Connection& db, const Wish& wish, base::Pulse& pulse, const Story& story)
      : db_(db), wish_(wish), pulse_(pulse), story_(story), tools_(pulse) {}

  Gathered run() {
    tools_.need_skopeo();
    has_engine_ = has_engine(tools_);
    std::vector<Source> sources;
    for (const auto& reference : wish_.references) sources.push_back(find(reference));
    for (const auto& source : sources) {
      const std::string folder = spool_.path() + "/image";
      images::Place place = std::visit([&](const auto& one) { return copy(one, folder); }, source);
      auto plan = images::make_plan({place}, {*place.reference}, wish_.platforms, pulse_);
      store(plan, *place.reference);
      base::remove_tree(folder);
      out_.plan.take(std::move(plan));
    }
    return std::move(out_);
  }

 private:
  Source find(const std::string& reference) const {
    if (has_engine_) {
      if (auto here = find_on_engine(tools_, reference, wish_.platforms)) return *std::move(here);
    }
    return find_in_registry(tools_, reference, wish_.platforms);
  }

  images::Place copy(const EngineImage& image, const std::string& folder) {
    spool_.need_space(image.size);
    base::make_directories(folder, 0700);
    const std::string file = folder + "/saved.tar";
    story_.begin("copying " + image.reference + " from the engine", image.size);
    save_from_engine(tools_, image, file, [this] { return told(); });
    return {file, image.reference};
  }

  images::Place copy(const RegistryImage& image, const std::string& folder) {
    std::vector<std::string> digests;
    for (const auto& blob : image.blobs()) digests.push_back(blob.digest);
    auto known = images::stored_among(db_, digests, pulse_);
    for (const auto& digest : wish_.damaged) known.erase(digest);
    std::int64_t missing = 0;
    for (const auto& blob : image.blobs()) {
      if (known.count(blob.digest) == 0) missing += blob.size;
    }
    spool_.need_space(missing);
    story_.begin("copying " + image.reference + " from its registry", missing);
    copy_from_registry(tools_, image, known, folder, [this] { return told(); });
    return {folder, image.reference};
  }

  std::int64_t told() {
    const std::int64_t bytes = spool_.used();
    story_.at(bytes);
    return bytes;
  }

  /// What a digest is told of is compared with it while it is stored.
  void store(const images::Plan& plan, const std::string& reference) {
    const auto delta = images::compare(db_, plan, pulse_, wish_.damaged);
    story_.begin("storing " + reference, delta.bytes_to_send);
    images::send(db_, delta, pulse_, story_.at);
    out_.bytes += delta.bytes_to_send;
  }

  db::raw::Connection& db_;
  const Wish& wish_;
  base::Pulse& pulse_;
  const Story& story_;
  Tools tools_;
  Spool spool_;
  bool has_engine_ = false;
  Gathered out_;
};

}  // namespace

Gathered gather(db::raw::Connection& db, const Wish& wish, base::Pulse& pulse, const Story& story) {
  return Gatherer(db, wish, pulse, story).run();
}

}  // namespace wrktalk::transfer
