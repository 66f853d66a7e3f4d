// SPDX-License-Identifier: Apache-2.0
#include "core/transfer/engine_image.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/images/reference.hpp"

#include <nlohmann/json.hpp>

namespace wrktalk::transfer {
namespace {

using base::Error;
using base::Kind;
using nlohmann::json;

std::string text_in(const json& value, const char* key) {
  const auto found = value.find(key);
  return found != value.end() && found->is_string() ? found->get<std::string>() : std::string();
}

/// As the engine knows it: a reference without a tag would mean all of them to `docker save`.
std::string name_of(const std::string& reference) {
  const auto parsed = images::parse_reference(reference);
  return parsed.digest.empty() ? parsed.name() : parsed.repository + "@" + parsed.digest;
}

}  // namespace

bool has_engine(const Tools& tools) {
  try {
    return tools.ask({"docker", "version", "--format", "{{.Server.Version}}"}).good();
  } catch (const Error& error) {
    if (error.kind() != Kind::configuration) throw;
    return false;  // no docker here
  }
}

std::optional<EngineImage> find_on_engine(const Tools& tools, const std::string& reference,
                                          const std::vector<images::Platform>& platforms) {
  if (platforms.size() != 1) return std::nullopt;
  const auto answer = tools.ask({"docker", "image", "inspect", "--format", "{{json .}}", name_of(reference)});
  if (!answer.good()) return std::nullopt;
  const auto value = json::parse(answer.out, nullptr, false);
  if (!value.is_object()) return std::nullopt;
  EngineImage out{reference, text_in(value, "Id"), 0};
  const images::Platform has{text_in(value, "Os"), text_in(value, "Architecture"), text_in(value, "Variant")};
  const std::string digest = images::parse_reference(reference).digest;
  if (!images::serves(has, platforms.front()) || (!digest.empty() && digest != out.id)) return std::nullopt;
  if (value.contains("Size") && value["Size"].is_number_integer()) out.size = value["Size"].get<std::int64_t>();
  return out;
}

void save_from_engine(const Tools& tools, const EngineImage& image, const std::string& file,
                      const std::function<std::int64_t()>& moved) {
  const auto outcome = tools.copy({"docker", "save", "--output", file, name_of(image.reference)}, moved);
  if (outcome.good()) return;
  throw Error(Kind::child,
              "image " + base::one_line(image.reference) + " was not copied from the engine: " + reason(outcome),
              "try it by hand: docker save " + name_of(image.reference) + " | wc -c");
}

}  // namespace wrktalk::transfer
