// SPDX-License-Identifier: Apache-2.0
#include "core/registry/manifest.hpp"

#include "core/base/error.hpp"

#include <nlohmann/json.hpp>

namespace wrktalk::registry {
namespace {

using nlohmann::json;

std::string text_of(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

void add(Manifest& to, const json& descriptor, bool is_manifest) {
  if (!descriptor.is_object()) return;
  to.names.push_back({text_of(descriptor, "digest"), text_of(descriptor, "mediaType"), is_manifest});
}

void add_all(Manifest& to, const json& document, const char* key, bool is_manifest) {
  const auto found = document.find(key);
  if (found == document.end() || !found->is_array()) return;
  for (const auto& descriptor : *found) add(to, descriptor, is_manifest);
}

}  // namespace

Manifest parse_manifest(std::string_view text) {
  const json document = json::parse(text.begin(), text.end(), nullptr, false);
  if (!document.is_object()) throw base::Error(base::Kind::artifact, "a stored manifest is no JSON object");
  Manifest out;
  out.media_type = text_of(document, "mediaType");
  add_all(out, document, "manifests", true);
  if (const auto config = document.find("config"); config != document.end()) add(out, *config, false);
  add_all(out, document, "layers", false);
  return out;
}

}  // namespace wrktalk::registry
