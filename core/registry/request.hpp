// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// What a client asks for, by the OCI distribution specification: https://github.com/opencontainers/distribution-spec
namespace wrktalk::registry {

/// What the path of a request names.
struct Route {
  enum class Kind {
    unknown,    ///< nothing that is here: 404
    malformed,  ///< `code` says what no client may write: 400
    base,       ///< /v2/
    manifest,   ///< /v2/REPOSITORY/manifests/TAG or DIGEST
    blob,       ///< /v2/REPOSITORY/blobs/DIGEST
    tags,       ///< /v2/REPOSITORY/tags/list
    livez,
    readyz,
    metrics,
  };
  Kind kind = Kind::unknown;
  std::string repository;
  std::string tag;
  std::string digest;
  std::string code;  ///< of the API: "NAME_INVALID"
};

/// `path` is decoded and without the query.
Route parse_path(std::string_view path);

/// Bytes [from, to) of a blob.
struct ByteRange {
  std::int64_t from = 0;
  std::int64_t to = 0;
};

/// What a Range header asks of a blob of this size. `satisfiable` is false for 416. Nothing when the whole is to be sent: no range, several,
/// or a header that cannot be read (RFC 9110, 14.2).
struct RangeWish {
  bool satisfiable = true;
  ByteRange bytes;
};
std::optional<RangeWish> parse_range(std::string_view header, std::int64_t size);

/// An error in the API's JSON.
std::string error_body(std::string_view code, std::string_view message);

}  // namespace wrktalk::registry
