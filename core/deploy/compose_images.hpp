// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/pulse.hpp"
#include "core/deploy/compose_override.hpp"
#include "core/deploy/engine.hpp"
#include "core/deploy/engine_facts.hpp"
#include "core/deploy/image_source.hpp"
#include "core/deploy/tools.hpp"

#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace wrktalk::deploy::compose {

/// Brings the images that a release carries into the engine. The release's digests decide: afterwards each image has its name, whatever that meant before.
class Images {
 public:
  /// `source` may be null: then no release carries any. All outlive it.
  Images(const Engine& engine, const Tools& tools, ImageSource* source, std::chrono::milliseconds timeout)
      : engine_(engine), tools_(tools), source_(source), timeout_(timeout) {}

  /// Loads what the engine lacks by one `docker load`, without the layers that it has; when that fails, with all of them. An engine that goes away is waited
  /// for. Returns what was done, for people; nothing when the release carries none. Throws Error(artifact | child), and then no name is changed, and what the
  /// database throws.
  std::string bring(const std::string& version, base::Pulse& pulse);

  /// References of those that `bring` would load or name anew.
  std::vector<std::string> lacking(const std::string& version, base::Pulse& pulse);

  /// What services of the stack run by name, for each that runs an image which the release carries: nobody pulls it.
  std::map<std::string, std::string> of_services(const std::string& version, const Stack& stack, base::Pulse& pulse);
  bool carries(const std::string& version, const std::string& image, base::Pulse& pulse);

 private:
  using Carried = std::vector<CarriedImage>;
  const Carried& carried(const std::string& version, base::Pulse& pulse);
  const CarriedImage* find(const std::string& version, const std::string& image, base::Pulse& pulse);
  const EngineFacts& facts(base::Pulse& pulse);
  bool is_named(const CarriedImage& image, base::Pulse& pulse) const;
  std::string bring_once(const std::string& version, base::Pulse& pulse);
  void load(ImageSource::Stream& stream, base::Pulse& pulse);
  exec::Outcome run_load(const ImageSource::Stream& stream, base::Pulse& pulse) const;
  void need_space(std::int64_t bytes, base::Pulse& pulse);

  const Engine& engine_;
  const Tools& tools_;
  ImageSource* source_;
  std::chrono::milliseconds timeout_;
  std::map<std::string, Carried> carried_;  ///< by version
  std::optional<EngineFacts> facts_;
};

}  // namespace wrktalk::deploy::compose
