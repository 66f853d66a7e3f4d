// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/images/manifest.hpp"
#include "core/images/store.hpp"
#include "core/transfer/tools.hpp"

#include <set>
#include <string>
#include <vector>

namespace wrktalk::transfer {

/// An image as its registry has it, as far as some platforms need it: manifests were read, nothing else.
struct RegistryImage {
  struct Part {
    images::Descriptor manifest;
    images::Manifest content;
  };

  std::string reference;   ///< as somebody wrote it
  std::string repository;  ///< with its registry
  images::Descriptor top;  ///< its manifest or index
  std::string text;        ///< of `top`
  std::vector<Part> parts;

  /// Layers and configurations, each once.
  std::vector<images::Descriptor> blobs() const;
};

/// Throws Error(artifact) for an image that is not there, or not for one of the platforms; Error(child) when the registry cannot be asked.
RegistryImage find_in_registry(const Tools& tools, const std::string& reference,
                               const std::vector<images::Platform>& platforms);

/// Copies it into a new folder, an OCI layout with this one image, byte for byte. Of the layers in `known` nothing is copied: an empty file of their size
/// stands for each.
void copy_from_registry(const Tools& tools, const RegistryImage& image, const std::set<std::string>& known,
                        const std::string& folder, const std::function<std::int64_t()>& moved);

}  // namespace wrktalk::transfer
