// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/engine_facts.hpp"

#include "core/base/text.hpp"
#include "core/deploy/engine.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdlib>
#include <sys/statvfs.h>

namespace wrktalk::deploy {
namespace {

using nlohmann::json;
using Args = std::vector<std::string>;

/// The oldest engine that was seen to load layers packed by zstd; 20.10 does not.
constexpr int kKnowsZstd = 26;

std::string text_of(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

/// Whether the engine that docker speaks to is on this machine.
bool is_here(const Tools& tools, base::Pulse& pulse) {
  const auto answer = tools.look({"docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"}, pulse);
  return answer.good() && base::starts_with(base::trim(answer.out), "unix://");
}

}  // namespace

const char* const kInfoFormat =
    R"({"version":{{json .ServerVersion}},"root":{{json .DockerRootDir}},"status":{{json .DriverStatus}}})";

EngineFacts engine_facts_of(const std::string& platform, const std::string& info) {
  EngineFacts facts;
  facts.platform = base::trim(platform);
  const auto object = json::parse(info, nullptr, false);
  if (!object.is_object()) return facts;
  facts.root = text_of(object, "root");
  // containerd's image store knows zstd in every version, and takes an image only as its manifest describes it.
  const bool by_containerd =
      object.value("status", json()).dump().find("io.containerd.snapshotter") != std::string::npos;
  const int version = std::atoi(text_of(object, "version").c_str());
  facts.knows_zstd = by_containerd || version == 0 || version >= kKnowsZstd;
  return facts;
}

EngineFacts engine_facts(const Tools& tools, base::Pulse& pulse) {
  const auto version = tools.look({"docker", "version", "--format", "{{.Server.Os}}/{{.Server.Arch}}"}, pulse);
  if (!version.good()) throw EngineAway("the Docker engine does not answer: " + last_line(version.err));
  const auto info = tools.look({"docker", "info", "--format", kInfoFormat}, pulse);
  if (!info.good()) throw EngineAway("the Docker engine does not answer: " + last_line(info.err));
  EngineFacts facts = engine_facts_of(version.out, info.out);
  if (!is_here(tools, pulse)) facts.root.clear();
  return facts;
}

std::vector<Args> layers_on_engine(const Tools& tools, base::Pulse& pulse) {
  const auto listed = tools.look({"docker", "image", "ls", "--quiet", "--no-trunc"}, pulse);
  if (!listed.good()) throw EngineAway("docker image ls: " + last_line(listed.err));
  Args ids;
  for (auto& id : base::split(listed.out, '\n')) {
    if (!id.empty()) ids.push_back(std::move(id));
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  if (ids.empty()) return {};
  Args words = {"docker", "image", "inspect", "--format", "{{json .RootFS.Layers}}"};
  words.insert(words.end(), ids.begin(), ids.end());
  // One of them may have gone since it was listed: the others are told all the same.
  std::vector<Args> out;
  for (const auto& line : base::split(tools.look(words, pulse).out, '\n')) {
    const auto layers = json::parse(line, nullptr, false);
    if (!layers.is_array()) continue;
    Args one;
    for (const auto& layer : layers) {
      if (layer.is_string()) one.push_back(layer.get<std::string>());
    }
    out.push_back(std::move(one));
  }
  return out;
}

std::size_t present_layers(const Args& diff_ids, const std::vector<Args>& on_engine) {
  std::size_t most = 0;
  for (const auto& layers : on_engine) {
    const auto end = std::mismatch(diff_ids.begin(), diff_ids.end(), layers.begin(), layers.end()).first;
    most = std::max(most, static_cast<std::size_t>(end - diff_ids.begin()));
  }
  return most;
}

std::optional<std::int64_t> free_bytes(const std::string& folder) {
  struct statvfs info {};
  if (folder.empty() || ::statvfs(folder.c_str(), &info) != 0) return std::nullopt;
  return static_cast<std::int64_t>(info.f_bavail) * static_cast<std::int64_t>(info.f_frsize);
}

}  // namespace wrktalk::deploy
