// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/images/manifest.hpp"
#include "core/transfer/tools.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace wrktalk::transfer {

/// An image that the Docker engine of this user has.
struct EngineImage {
  std::string reference;  ///< as somebody wrote it
  std::string id;
  std::int64_t size = 0;  ///< unpacked
};

/// Whether there is a Docker engine, and it answers.
bool has_engine(const Tools& tools);

/// Nothing when the engine does not have it as it is wanted: for these platforms, and with the digest that the reference names, which engines
/// without containerd's image store cannot hand on.
std::optional<EngineImage> find_on_engine(const Tools& tools, const std::string& reference,
                                          const std::vector<images::Platform>& platforms);

/// Writes it into `file`, as `docker save` does. Throws Error(child).
void save_from_engine(const Tools& tools, const EngineImage& image, const std::string& file,
                      const std::function<std::int64_t()>& moved);

}  // namespace wrktalk::transfer
