// SPDX-License-Identifier: Apache-2.0
#include "core/base/error.hpp"
#include "core/release_manifest/checks.hpp"
#include "core/release_manifest/manifest.hpp"

#include <nlohmann/json.hpp>

namespace wrktalk::release_manifest {
namespace {

using nlohmann::json;
using toml::Value;

constexpr int kDeepest = 8;

std::string text_of(std::chrono::milliseconds duration) {
  const auto count = duration.count();
  return count % 1000 == 0 ? std::to_string(count / 1000) + "s" : std::to_string(count) + "ms";
}

json json_of(const Hook& hook) {
  json out = {{"when", hook.when}, {"timeout", text_of(hook.timeout)}};
  if (!hook.service.empty()) out["service"] = hook.service;
  if (!hook.run.empty()) out["run"] = hook.run;
  if (hook.idempotent) out["idempotent"] = true;
  return out;
}

json json_of(const Health& health) {
  json out = {{"within", text_of(health.within)}, {"steady", text_of(health.steady)}};
  if (!health.http.empty()) out["http"] = health.http;
  if (!health.http.empty()) out["expect"] = health.expect;
  if (!health.tcp.empty()) out["tcp"] = health.tcp;
  return out;
}

/// A text of JSON is one of TOML, too: a manifest holds no character for which they differ.
std::string toml_of(const json& value) {
  if (!value.is_array()) return value.dump();
  std::string out;
  for (const auto& item : value) out += (out.empty() ? "" : ", ") + item.dump();
  return "[" + out + "]";
}

Value value_of(const json& node, const std::string& name, int depth) {
  if (depth > kDeepest) throw base::Error(base::Kind::artifact, name + ": it is nested too deeply");
  Value out;
  if (node.is_object()) {
    for (const auto& [key, value] : node.items()) out.entries.emplace_back(key, value_of(value, name, depth + 1));
  } else if (node.is_array()) {
    out.kind = Value::Kind::list;
    for (const auto& item : node) out.items.push_back(value_of(item, name, depth + 1));
  } else if (node.is_string()) {
    out.kind = Value::Kind::text;
    out.text = node.get<std::string>();
  } else if (node.is_number_integer()) {
    out.kind = Value::Kind::integer;
    out.integer = node.get<std::int64_t>();
  } else if (node.is_boolean()) {
    out.kind = Value::Kind::truth;
    out.truth = node.get<bool>();
  } else {
    out.kind = Value::Kind::number;
  }
  return out;
}

}  // namespace

std::string to_json(const Manifest& manifest) {
  json out = json::object();
  if (manifest.min_agent) out["release"]["min-agent"] = *manifest.min_agent;
  if (manifest.upgrade_from) out["release"]["upgrade-from"] = manifest.upgrade_from->text();
  if (!manifest.requires_schema.empty()) out["release"]["requires-schema"] = manifest.requires_schema;
  if (!manifest.keep.empty()) out["data"]["keep"] = manifest.keep;
  if (!manifest.required.empty()) out["settings"]["required"] = manifest.required;
  for (const auto& hook : manifest.hooks) out["hook"].push_back(json_of(hook));
  if (manifest.migrations) {
    out["migrations"] = {{"dir", manifest.migrations->dir},
                         {"database", manifest.migrations->database},
                         {"on-rollback", manifest.migrations->on_rollback}};
  }
  if (!manifest.backup_before.empty()) out["backup"]["before"] = manifest.backup_before;
  if (manifest.health) out["health"] = json_of(*manifest.health);
  return out.dump();
}

std::string to_toml(const Manifest& manifest) {
  std::string out;
  const json document = json::parse(to_json(manifest));
  for (const auto& [name, section] : document.items()) {
    const bool is_list = section.is_array();
    const json tables = is_list ? section : json::array({section});
    for (const auto& one : tables) {
      out += std::string(out.empty() ? "" : "\n") + (is_list ? "[[" + name + "]]" : "[" + name + "]") + "\n";
      for (const auto& [key, value] : one.items()) out += key + " = " + toml_of(value) + "\n";
    }
  }
  return out;
}

Manifest from_json(const std::string& text, const std::string& name, const Reading& reading) {
  const json document = json::parse(text, nullptr, false);
  if (!document.is_object()) throw base::Error(base::Kind::artifact, name + ": it is no JSON object");
  return read(value_of(document, name, 0), name, reading);
}

std::optional<std::string> min_agent_of(const std::string& text) {
  const json document = json::parse(text, nullptr, false);
  if (!document.is_object()) return std::nullopt;
  const auto release = document.value("release", json());
  const auto found = release.is_object() ? release.value("min-agent", json()) : json();
  if (!found.is_string()) return std::nullopt;
  return found.get<std::string>();
}

}  // namespace wrktalk::release_manifest
