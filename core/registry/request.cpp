// SPDX-License-Identifier: Apache-2.0
#include "core/registry/request.hpp"

#include "core/base/text.hpp"
#include "core/registry/reference.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>

namespace wrktalk::registry {
namespace {

using std::string_view;

Route of_kind(Route::Kind kind) {
  Route route;
  route.kind = kind;
  return route;
}

Route malformed(string_view code) {
  Route route = of_kind(Route::Kind::malformed);
  route.code = code;
  return route;
}

/// Cuts the last part and its slash off `path`.
string_view take_last(string_view& path) noexcept {
  const std::size_t slash = path.rfind('/');
  const string_view last = slash == string_view::npos ? path : path.substr(slash + 1);
  path = slash == string_view::npos ? string_view() : path.substr(0, slash);
  return last;
}

Route content_route(string_view what, string_view name) {
  Route route;
  const bool is_a_digest = name.find(':') != string_view::npos;
  if (what == "blobs" || is_a_digest) {
    if (!is_digest(name)) return malformed("DIGEST_INVALID");
    route.digest = name;
  } else {
    if (!is_tag(name)) return malformed("TAG_INVALID");
    route.tag = name;
  }
  route.kind = what == "blobs" ? Route::Kind::blob : Route::Kind::manifest;
  return route;
}

/// A whole text of decimal digits.
std::optional<std::int64_t> number(string_view text) noexcept {
  std::int64_t value = 0;
  if (text.empty() || text.front() == '-') return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

Route parse_path(string_view path) {
  if (path == "/livez") return of_kind(Route::Kind::livez);
  if (path == "/readyz") return of_kind(Route::Kind::readyz);
  if (path == "/metrics") return of_kind(Route::Kind::metrics);
  if (path == "/v2" || path == "/v2/") return of_kind(Route::Kind::base);
  constexpr string_view kRoot = "/v2/";
  if (!base::starts_with(path, kRoot)) return {};
  path.remove_prefix(kRoot.size());
  const string_view name = take_last(path);
  const string_view what = take_last(path);
  Route route;
  if (what == "tags" && name == "list") {
    route.kind = Route::Kind::tags;
  } else if (what == "manifests" || what == "blobs") {
    route = content_route(what, name);
  } else {
    return {};
  }
  if (!is_repository(path)) return malformed("NAME_INVALID");
  route.repository = path;
  return route;
}

std::optional<RangeWish> parse_range(string_view header, std::int64_t size) {
  constexpr string_view kUnit = "bytes=";
  if (!base::starts_with(header, kUnit)) return std::nullopt;
  header.remove_prefix(kUnit.size());
  const std::size_t dash = header.find('-');
  if (dash == string_view::npos) return std::nullopt;
  const auto first = number(header.substr(0, dash));
  const auto last = number(header.substr(dash + 1));
  const bool has_first = dash > 0;
  const bool has_last = dash + 1 < header.size();
  if ((has_first && !first) || (has_last && !last) || (!has_first && !has_last)) return std::nullopt;
  if (first && last && *last < *first) return std::nullopt;
  RangeWish wish;
  if (first) {
    wish.bytes = {*first, last && *last < size ? *last + 1 : size};
  } else {
    wish.bytes = {std::max<std::int64_t>(0, size - *last), size};
  }
  wish.satisfiable = wish.bytes.from < wish.bytes.to;
  return wish;
}

std::string error_body(string_view code, string_view message) {
  const nlohmann::ordered_json error = {{"code", code}, {"message", message}};
  return nlohmann::ordered_json{{"errors", {error}}}.dump(-1, ' ', false,
                                                          nlohmann::ordered_json::error_handler_t::replace) +
         "\n";
}

}  // namespace wrktalk::registry
