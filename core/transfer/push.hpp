// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/images/store.hpp"
#include "core/transfer/tools.hpp"

#include <functional>
#include <string>
#include <vector>

namespace wrktalk::transfer {

/// A stored image, as a registry can get it.
struct Outgoing {
  images::Image image;
  std::vector<std::string> manifests;  ///< of an index: those that are stored, by digest
  bool is_whole = true;                ///< all that an index names is stored
};

/// What `stored` has of an image whose manifest or index has this text.
Outgoing outgoing(const images::Image& image, const std::string& text, const std::vector<images::Blob>& stored);

/// A registry, with what its repositories begin with: "registry.site.example:5000/shop".
struct Destination {
  std::string place;
  bool verifies_tls = true;
};
/// Of "registry.site.example/shop", "docker://..." too. Throws Error(usage) for what names no registry.
Destination parse_destination(const std::string& text);

/// Where an image goes: its repository without its registry, below the place, and its tag or, without one, its digest.
struct Target {
  std::string repository;  ///< "registry.site.example:5000/shop/shop/api"
  std::string tag;
  std::string digest;  ///< without a tag

  std::string text() const { return repository + (tag.empty() ? "@" + digest : ":" + tag); }
};
Target target_of(const images::Image& image, const Destination& destination);

/// Throws Error(artifact) when two images would get one name.
void need_names(const std::vector<Outgoing>& all, const Destination& destination);

enum class State {
  there,   ///< was there already
  copied,  ///< byte for byte
  platform,  ///< the registry takes no index of which platforms are missing: the tag means the manifest of the one that there is
  missing,  ///< what `look` says of one that is not there
};

/// Whether the registry has it. Throws Error(child) when it cannot be asked.
State look(const Tools& tools, const Outgoing& image, const Destination& destination);

/// Copies it there out of a registry at `source`, which has it by its digest; layers that are there are not sent. `moved`: bytes so far. Throws Error(child).
State push(const Tools& tools, const Outgoing& image, const std::string& source, const Destination& destination,
           const std::function<std::int64_t()>& moved);

}  // namespace wrktalk::transfer
