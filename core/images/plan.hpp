// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/images/layout.hpp"
#include "core/images/store.hpp"

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace wrktalk::images {

/// Where images of a release lie.
struct Place {
  std::string path;
  std::optional<std::string> reference;  ///< of its one image, which may have another name there, or none
};

/// "PATH" or "REFERENCE=PATH". Throws Error(artifact) for a reference that is none.
Place parse_place(const std::string& text);

/// What a release will carry: read and judged, nothing stored.
struct Plan {
  struct Piece {
    Blob blob;
    const Content* content;  ///< null: it was stored, and what it was read from is gone
  };

  std::vector<Image> images;             ///< by reference
  std::map<std::string, Piece> pieces;   ///< by digest
  std::vector<std::string> not_carried;  ///< references of the bundle that are in no place
  std::deque<Layout> layouts;            ///< own the contents

  std::int64_t size() const;  ///< of all pieces
  /// Takes in the images of a plan whose blobs are stored, without their contents.
  void take(Plan stored);
};

/// `references`: what the bundle names, as it writes it; an image that it does not name is carried under its own name. Throws Error(artifact) for all
/// that is no image for one of `platforms`, is not whole, or has no name.
Plan make_plan(const std::vector<Place>& places, const std::vector<std::string>& references,
               const std::vector<Platform>& platforms, base::Pulse& pulse);

}  // namespace wrktalk::images
