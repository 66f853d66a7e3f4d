// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

/// The objects in a rendered manifest, and which of them are worth a look. Pure.
namespace wrktalk::deploy::kube {

struct Object {
  std::string api_version;
  std::string kind;
  std::string namespace_;
  std::string name;
  std::map<std::string, std::string> annotations{};

  std::string title() const { return kind + " " + name; }
};

/// One YAML document as it was rendered, and what it holds.
struct Document {
  std::string text;
  std::vector<Object> objects;
};
using Manifest = std::vector<Document>;

/// What names no namespace gets `namespace_`. Throws Error(artifact) for what is no YAML.
Manifest parse_manifest(const std::string& text, const std::string& namespace_);
std::string text_of(const Manifest& manifest);

/// Deployments, StatefulSets, DaemonSets, ReplicaSets, Jobs and Pods, without hooks.
std::vector<Object> workloads(const Manifest& manifest);
/// Jobs and Pods that run as a hook of one of `events` ("pre-upgrade").
std::vector<Object> hooks(const Manifest& manifest, const std::vector<std::string>& events);

void take_out_hooks(Manifest& manifest);

/// What `kubectl get -f -` reads to look at them: their names alone.
std::string names_of(const std::vector<Object>& objects);

/// The kinds that kubectl did not find on the server, by what it said: "KIND in VERSION".
std::vector<std::string> unknown_kinds(const std::string& stderr_text);
std::string kind_in_version(const Object& object);
/// Takes the documents out that hold an object of one of the kinds; returns those objects.
std::vector<Object> take_out(Manifest& manifest, const std::vector<std::string>& kinds);

}  // namespace wrktalk::deploy::kube
