// SPDX-License-Identifier: Apache-2.0
#include "core/images/plan.hpp"

#include "core/base/error.hpp"
#include "core/base/files.hpp"
#include "core/base/text.hpp"
#include "core/images/reference.hpp"
#include "core/images/resolve.hpp"

#include <algorithm>
#include <numeric>
#include <set>

namespace wrktalk::images {
namespace {

using base::Error;
using base::Kind;

std::string shown(const std::string& text) { return base::one_line(base::scrub_utf8(text)); }

void sort_images(std::vector<Image>& images) {
  std::sort(images.begin(), images.end(), [](const Image& a, const Image& b) { return a.reference < b.reference; });
}

/// An offer and where it is from.
struct Candidate {
  const Layout* layout;
  Offer offer;
  std::string path;
  bool is_used = false;
};

class Planner {
 public:
  Planner(const std::vector<Platform>& platforms, base::Pulse& pulse) : platforms_(platforms), pulse_(pulse) {}

  Plan run(const std::vector<Place>& places, const std::vector<std::string>& references) {
    for (const auto& place : places) collect(place);
    for (const auto& reference : references) match(reference);
    match_the_nameless();
    for (auto& candidate : candidates_) {
      if (candidate.is_used) continue;
      const std::string& name = candidate.offer.name;
      if (name.empty()) {
        throw Error(Kind::artifact,
                    candidate.path + " does not say what its image " + candidate.offer.top.digest + " is called",
                    "name it: --images REFERENCE=" + candidate.path);
      }
      carry(name, candidate, candidate.offer.top);
    }
    sort_images(plan_.images);
    return std::move(plan_);
  }

 private:
  void collect(const Place& place) {
    const Layout& layout = plan_.layouts.emplace_back(place.path, pulse_);
    auto offers = layout.offers();
    if (place.reference) name_the_one(place, offers);
    for (auto& offer : offers) {
      if (!offer.name.empty()) add_name(offer, place);
      candidates_.push_back({&layout, std::move(offer), place.path});
    }
  }

  static void name_the_one(const Place& place, std::vector<Offer>& offers) {
    const bool is_one = !offers.empty() && std::all_of(offers.begin(), offers.end(), [&](const Offer& one) {
      return one.top.digest == offers.front().top.digest;
    });
    if (!is_one) {
      throw Error(Kind::artifact, place.path + " holds " + std::to_string(offers.size()) + " images, not one",
                  "name the path alone, or a path for each image");
    }
    offers.resize(1);
    offers.front().name = *place.reference;
  }

  void add_name(const Offer& offer, const Place& place) {
    const Reference reference = parse_reference(offer.name);
    if (!reference.digest.empty() && reference.digest != offer.top.digest) {
      throw Error(Kind::artifact, place.path + ": image " + shown(offer.name) + " has the digest " + offer.top.digest);
    }
    if (reference.name().empty()) return;
    const auto [before, is_new] = names_.try_emplace(reference.name(), offer.top.digest);
    if (is_new || before->second == offer.top.digest) return;
    throw Error(Kind::artifact,
                place.path + ": two images are called " + shown(offer.name) + ": " + before->second + " and " +
                    offer.top.digest,
                "give each a tag of its own");
  }

  void match(const std::string& text) {
    if (!matched_.insert(text).second) return;
    const Reference reference = parse_reference(text);
    for (auto& candidate : candidates_) {
      const Offer& offer = candidate.offer;
      if (!reference.digest.empty()) {
        if (offer.top.digest == reference.digest) return carry(text, candidate, offer.top);
        if (const auto child = child_of(candidate, reference.digest)) return carry(text, candidate, *child);
      } else if (!offer.name.empty() && parse_reference(offer.name).name() == reference.name()) {
        return carry(text, candidate, offer.top);
      }
    }
    plan_.not_carried.push_back(text);
  }

  std::optional<Descriptor> child_of(const Candidate& candidate, const std::string& digest) const {
    const Descriptor& top = candidate.offer.top;
    const Content* content = candidate.layout->find(top.digest);
    if (!is_index_type(top.media_type) || content == nullptr || content->size() > kLargestManifest) return std::nullopt;
    for (auto& child : parse_index(content->text(pulse_), top.media_type, "the index")) {
      if (child.digest == digest && is_manifest_type(child.media_type)) return child;
    }
    return std::nullopt;
  }

  /// Images without a name, or with a tag alone, are those that are not found otherwise, where only one can be meant.
  void match_the_nameless() {
    auto open = plan_.not_carried;
    open.erase(std::remove_if(open.begin(), open.end(),
                              [](const std::string& text) { return !parse_reference(text).digest.empty(); }),
               open.end());
    std::vector<Candidate*> nameless;
    for (auto& candidate : candidates_) {
      if (!candidate.is_used && candidate.offer.name.empty()) nameless.push_back(&candidate);
    }
    if (open.size() != 1 || nameless.size() != 1) return;
    const std::string& tag = nameless.front()->offer.tag_only;
    const Reference reference = parse_reference(open.front());
    const bool fits = tag.empty() || tag == reference.tag || base::ends_with(reference.repository, "/" + tag);
    if (!fits) return;
    carry(open.front(), *nameless.front(), nameless.front()->offer.top);
    plan_.not_carried.erase(std::find(plan_.not_carried.begin(), plan_.not_carried.end(), open.front()));
  }

  void carry(const std::string& reference, Candidate& candidate, const Descriptor& top) {
    candidate.is_used = true;
    const bool is_there = std::any_of(plan_.images.begin(), plan_.images.end(),
                                      [&](const Image& one) { return one.reference == reference; });
    if (is_there) return;
    Resolved resolved;
    try {
      resolved = resolve(*candidate.layout, top, platforms_, pulse_);
    } catch (Error& error) {
      error.add_context(candidate.path + ": image " + shown(reference));
      throw;
    }
    Image image{reference, top.digest, top.media_type, {resolved.platforms.begin(), resolved.platforms.end()}, 0};
    std::set<std::string> counted;
    for (const auto& one : resolved.blobs) {
      if (counted.insert(one.digest).second) image.size += one.size;
      plan_.pieces.try_emplace(one.digest,
                               Plan::Piece{{one.digest, one.media_type, one.size}, candidate.layout->find(one.digest)});
    }
    plan_.images.push_back(std::move(image));
  }

  const std::vector<Platform>& platforms_;
  base::Pulse& pulse_;
  Plan plan_;
  std::vector<Candidate> candidates_;
  std::map<std::string, std::string> names_;  ///< completed name: digest
  std::set<std::string> matched_;
};

}  // namespace

Place parse_place(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (base::exists(text) || equals == std::string::npos) return {text, std::nullopt};
  Place place{text.substr(equals + 1), text.substr(0, equals)};
  parse_reference(*place.reference);
  return place;
}

std::int64_t Plan::size() const {
  return std::accumulate(pieces.begin(), pieces.end(), std::int64_t{0},
                         [](std::int64_t sum, const auto& one) { return sum + one.second.blob.size; });
}

void Plan::take(Plan stored) {
  for (auto& image : stored.images) {
    not_carried.erase(std::remove(not_carried.begin(), not_carried.end(), image.reference), not_carried.end());
    images.push_back(std::move(image));
  }
  sort_images(images);
  for (auto& [digest, piece] : stored.pieces) pieces.try_emplace(digest, Piece{piece.blob, nullptr});
}

Plan make_plan(const std::vector<Place>& places, const std::vector<std::string>& references,
               const std::vector<Platform>& platforms, base::Pulse& pulse) {
  return Planner(platforms, pulse).run(places, references);
}

}  // namespace wrktalk::images
