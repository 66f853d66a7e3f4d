// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/compose_obstacles.hpp"

#include "core/base/text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace wrktalk::deploy::compose {
namespace {

using nlohmann::json;
using yaml::Node;

constexpr const char* kTcp = "/tcp";

/// "127.0.0.1:8080:80/tcp" or a mapping; empty for a port that the engine chooses.
std::string published(const Node& port) {
  if (port.is_mapping()) {
    const std::string number = port.text_of("published");
    const std::string protocol = port.text_of("protocol");
    return number.empty() || number == "0" ? "" : number + (protocol.empty() ? kTcp : "/" + protocol);
  }
  const std::string& text = port.text;
  const std::size_t slash = text.find('/');
  const auto parts = base::split(text.substr(0, slash), ':');
  if (parts.size() < 2) return {};
  return parts[parts.size() - 2] + (slash == std::string::npos ? kTcp : text.substr(slash));
}

void add_volume(const std::string& key, const Node& value, const std::string& project, Claims& out) {
  for (const Node* external : value.values("external")) {
    if (external->is_true() || external->is_mapping()) return;
  }
  Claims::Volume volume;
  volume.name = value.text_of("name");
  if (volume.name.empty()) volume.name = project + "_" + key;
  volume.driver = value.text_of("driver");
  for (const Node* options : value.values("driver_opts")) {
    for (const auto& [name, option] : options->entries()) volume.options[name->text] = option->text;
  }
  if (!volume.driver.empty() || !volume.options.empty()) out.volumes.push_back(std::move(volume));
}

/// Names only: an option may hold the password of a share.
std::string names_that_differ(const std::map<std::string, std::string>& wanted, const json& there) {
  std::vector<std::string> names;
  for (const auto& [name, value] : wanted) {
    if (!there.contains(name) || there[name] != value) names.push_back(name);
  }
  for (const auto& [name, value] : there.items()) {
    if (wanted.count(name) == 0) names.push_back(name);
  }
  return base::join(names, ", ");
}

}  // namespace

const char* const kContainersFormat = R"({{.Names}}{{"\t"}}{{.Label "com.docker.compose.project"}}{{"\t"}}{{.Ports}})";

Claims claims_of(const Node& model, const std::string& project) {
  Claims out;
  for (const Node* volumes : model.values("volumes")) {
    for (const auto& [key, value] : volumes->entries()) add_volume(key->text, *value, project, out);
  }
  for (const auto& [key, service] : services(model)) {
    if (const auto name = service->text_of("container_name"); !name.empty()) out.names.push_back(name);
    for (const Node* ports : service->values("ports")) {
      for (const Node* one : ports->items) {
        if (const auto port = published(*one); !port.empty()) out.ports.push_back(port);
      }
    }
  }
  return out;
}

std::vector<std::string> conflicts(const Claims& claims, const std::string& project, const std::string& volumes,
                                   const std::string& containers) {
  std::vector<std::string> out;
  for (const auto& line : base::split(volumes, '\n')) {
    const json there = json::parse(line, nullptr, false);
    if (!there.is_object() || !there.contains("Name") || !there["Name"].is_string()) continue;
    for (const auto& volume : claims.volumes) {
      if (there["Name"] != volume.name) continue;
      const bool other_driver = !volume.driver.empty() && there.value("Driver", json()) != volume.driver;
      const json options =
          there.contains("Options") && there["Options"].is_object() ? there["Options"] : json::object();
      std::string differ = names_that_differ(volume.options, options);
      if (other_driver) differ = "driver" + (differ.empty() ? "" : ", " + differ);
      if (!differ.empty()) {
        out.push_back("the volume " + volume.name + " is there, and differs from what the release says: " + differ +
                      "; a volume keeps what it was made with (save its content and remove it, or give the new one "
                      "another name)");
      }
    }
  }
  for (const auto& line : base::split(containers, '\n')) {
    const auto parts = base::split(line, '\t');
    if (parts.size() < 3 || parts[1] == project) continue;
    const std::string whose = "container " + parts[0] + (parts[1].empty() ? "" : " of project " + parts[1]);
    for (const auto& name : claims.names) {
      if (parts[0] == name) out.push_back("the container name " + name + " is taken by the " + whose);
    }
    for (const auto& port : claims.ports) {
      const std::string number = port.substr(0, port.find('/'));
      const std::string protocol = port.substr(port.find('/'));
      for (const auto& one : base::split(parts[2], ',')) {
        const std::size_t arrow = one.find("->");
        if (arrow == std::string::npos || !base::ends_with(one, protocol)) continue;
        if (!base::ends_with(one.substr(0, arrow), ":" + number)) continue;
        out.push_back("the port " + port + " is taken by the " + whose);
        break;
      }
    }
  }
  return out;
}

std::vector<std::string> obstacles(const Model& model, const std::string& project, const Tools& tools,
                                   base::Pulse& pulse) {
  const Claims claims = model.claims(project);
  std::string volumes;
  for (const auto& volume : claims.volumes) {
    const auto answer = tools.look({"docker", "volume", "inspect", "--format", "{{json .}}", volume.name}, pulse);
    if (answer.good()) volumes += base::trim(answer.out) + "\n";
  }
  std::string containers;
  if (!claims.names.empty() || !claims.ports.empty()) {
    const auto answer = tools.look({"docker", "ps", "--all", "--no-trunc", "--format", kContainersFormat}, pulse);
    if (answer.good()) containers = answer.out;
  }
  return conflicts(claims, project, volumes, containers);
}

}  // namespace wrktalk::deploy::compose
