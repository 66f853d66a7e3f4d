// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/compose_images.hpp"

#include "core/base/crash_point.hpp"
#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/deploy/hints.hpp"

#include <algorithm>

namespace wrktalk::deploy::compose {
namespace {

using base::Error;
using base::Kind;
using Stream = ImageSource::Stream;

constexpr std::chrono::seconds kGrace{10};
/// The engine writes the archive below its root, and then what it holds, which is no smaller.
constexpr std::int64_t kWrittenTwice = 2;
/// Engines from 27.5 on say so, and exit with 0.
constexpr const char* kNotUnpacked = "Error unpacking image";

/// `docker load` has ended, or has closed its stdin.
struct TakesNoMore {};

std::string size_text(std::int64_t bytes) { return base::human_size(static_cast<std::uint64_t>(bytes)); }

std::string count_of(std::size_t count) { return std::to_string(count) + (count == 1 ? " image" : " images"); }

bool has_failed(const exec::Outcome& outcome) {
  return !outcome.good() || outcome.out.find(kNotUnpacked) != std::string::npos ||
         outcome.err.find(kNotUnpacked) != std::string::npos;
}

std::string why(const exec::Outcome& outcome) {
  const std::string said = last_line(outcome.err.empty() ? outcome.out : outcome.err);
  return "docker load " + outcome.describe() + (said.empty() ? "" : ": " + said);
}

}  // namespace

std::string Images::bring(const std::string& version, base::Pulse& pulse) {
  if (source_ == nullptr) return {};
  return engine_.despite_outage(pulse, [&] { return bring_once(version, pulse); });
}

std::vector<std::string> Images::lacking(const std::string& version, base::Pulse& pulse) {
  std::vector<std::string> out;
  for (const auto& image : carried(version, pulse)) {
    if (!is_named(image, pulse)) out.push_back(image.reference);
  }
  return out;
}

std::map<std::string, std::string> Images::of_services(const std::string& version, const Stack& stack,
                                                       base::Pulse& pulse) {
  std::map<std::string, std::string> out;
  for (const auto& service : stack.services) {
    const CarriedImage* image = service.is_built ? nullptr : find(version, service.image, pulse);
    if (image != nullptr) out[service.name] = image->name;
  }
  return out;
}

bool Images::carries(const std::string& version, const std::string& image, base::Pulse& pulse) {
  return find(version, image, pulse) != nullptr;
}

const Images::Carried& Images::carried(const std::string& version, base::Pulse& pulse) {
  const auto known = carried_.find(version);
  if (known != carried_.end()) return known->second;
  Carried found;
  if (source_ != nullptr)
    found = source_->images(
        version, [&] { return facts(pulse).platform; }, pulse);
  return carried_.emplace(version, std::move(found)).first->second;
}

const CarriedImage* Images::find(const std::string& version, const std::string& image, base::Pulse& pulse) {
  if (image.empty()) return nullptr;
  for (const auto& one : carried(version, pulse)) {
    if (one.reference == image || source_->is_same(one.reference, image)) return &one;
  }
  return nullptr;
}

const EngineFacts& Images::facts(base::Pulse& pulse) {
  if (!facts_) facts_ = engine_facts(tools_, pulse);
  return *facts_;
}

bool Images::is_named(const CarriedImage& image, base::Pulse& pulse) const {
  const std::string id = engine_.image_id(image.name, pulse);
  return std::find(image.ids.begin(), image.ids.end(), id) != image.ids.end();
}

std::string Images::bring_once(const std::string& version, base::Pulse& pulse) {
  const Carried& all = carried(version, pulse);
  if (all.empty()) return {};
  Stream stream{version, facts(pulse).platform, {}, !facts(pulse).knows_zstd};
  std::vector<std::pair<std::string, std::string>> names;  // id: the name it is to have
  for (const auto& image : all) {
    if (is_named(image, pulse)) continue;
    const auto id = std::find_if(image.ids.begin(), image.ids.end(),
                                 [&](const auto& one) { return engine_.has_image(one, pulse); });
    if (id != image.ids.end()) names.emplace_back(*id, image.name);
    if (id == image.ids.end()) stream.images.push_back({image, 0});
  }
  std::string words = count_of(all.size() - stream.images.size()) + " there already";
  if (!stream.images.empty()) {
    const std::int64_t whole = source_->size(stream, pulse);
    load(stream, pulse);
    const std::int64_t sent = source_->size(stream, pulse);
    words = count_of(stream.images.size()) + " loaded from the release, " + size_text(sent) +
            (sent < whole ? " (" + size_text(whole - sent) + " of their layers were there already)" : "") + "; " +
            words;
  }
  for (const auto& [id, name] : names) engine_.tag(id, name, timeout_, pulse);
  if (!names.empty()) words += ", " + std::to_string(names.size()) + " of them named anew";
  for (const auto& image : all) {
    if (is_named(image, pulse)) continue;
    throw Error(Kind::child,
                "the engine has another image as " + image.name + " than the release carries, " + image.ids.front(),
                "see what else names images on this engine: docker events --filter type=image");
  }
  return "images: " + words;
}

/// Leaves in `stream` what was sent in the end.
void Images::load(Stream& stream, base::Pulse& pulse) {
  const auto there = layers_on_engine(tools_, pulse);
  bool is_partial = false;
  for (auto& one : stream.images) {
    one.present = std::min(present_layers(one.image.diff_ids, there), one.image.diff_ids.size());
    is_partial = is_partial || one.present > 0;
  }
  need_space(source_->size(stream, pulse), pulse);
  auto outcome = run_load(stream, pulse);
  if (is_partial && has_failed(outcome) && !engine_.was_away(outcome, pulse)) {
    tools_.tell(why(outcome) + "; loading all layers");
    for (auto& one : stream.images) one.present = 0;
    need_space(source_->size(stream, pulse), pulse);
    outcome = run_load(stream, pulse);
  }
  if (!has_failed(outcome)) return;
  if (engine_.was_away(outcome, pulse)) throw EngineAway(why(outcome));
  throw Error(Kind::child, "the release's images could not be loaded: " + why(outcome), hint_for(outcome.err));
}

exec::Outcome Images::run_load(const Stream& stream, base::Pulse& pulse) const {
  Tools::Act act;
  act.argv = {"docker", "load", "--quiet"};
  act.timeout = timeout_;
  act.grace = kGrace;
  act.feed = [&](const exec::Feed& feed) {
    try {
      source_->write(
          stream,
          [&](std::string_view bytes) {
            if (!feed(bytes)) throw TakesNoMore();
            base::crash_point("load");
          },
          pulse);
    } catch (const TakesNoMore&) {
      // Its exit says why.
    }
  };
  return tools_.act(act, pulse);
}

void Images::need_space(std::int64_t bytes, base::Pulse& pulse) {
  const auto free = free_bytes(facts(pulse).root);
  if (!free || *free >= kWrittenTwice * bytes) return;
  throw Error(
      Kind::child,
      "the engine has " + size_text(*free) + " left in " + facts(pulse).root + ", and to load " + size_text(bytes) +
          " of images needs " + size_text(kWrittenTwice * bytes) + " at least",
      "make room there: docker system df shows what takes it, docker image prune removes images without a name");
}

}  // namespace wrktalk::deploy::compose
