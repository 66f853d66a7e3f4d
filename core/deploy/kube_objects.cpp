// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/kube_objects.hpp"

#include "core/base/text.hpp"
#include "core/yaml/document.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>

namespace wrktalk::deploy::kube {
namespace {

using yaml::Node;

constexpr std::size_t kLargestText = 64 * 1024 * 1024;
constexpr const char* kHook = "helm.sh/hook";
const std::set<std::string> kWorkloads = {"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "Pod"};
const std::set<std::string> kApis = {"apps/v1", "batch/v1", "v1"};

void add_objects(const Node& root, const std::string& namespace_, std::vector<Object>& out) {
  const std::string kind = root.text_of("kind");
  if (base::ends_with(kind, "List")) {
    for (const Node* items : root.values("items")) {
      for (const Node* item : items->items) add_objects(*item, namespace_, out);
    }
    return;
  }
  Object object{root.text_of("apiVersion"), kind, namespace_, {}};
  for (const Node* metadata : root.values("metadata")) {
    object.name = metadata->text_of("name");
    const std::string own = metadata->text_of("namespace");
    if (!own.empty()) object.namespace_ = own;
    for (const Node* annotations : metadata->values("annotations")) {
      for (const auto& [key, value] : annotations->entries()) object.annotations[key->text] = value->text;
    }
  }
  if (!object.kind.empty() && !object.name.empty()) out.push_back(std::move(object));
}

bool is_workload(const Object& object) {
  return kWorkloads.count(object.kind) != 0 && kApis.count(object.api_version) != 0;
}

/// A line that begins with three dashes always parts two documents: no text of a value can stand there.
std::vector<std::string> documents(const std::string& text) {
  std::vector<std::string> out(1);
  for (const auto& line : base::split(text, '\n')) {
    if (base::starts_with(line, "---") && (line.size() == 3 || line[3] == ' ' || line[3] == '\r' || line[3] == '\t')) {
      out.emplace_back();
      if (base::trim(line.substr(3)).empty()) continue;
      out.back() = line.substr(3) + "\n";
    } else {
      out.back() += line + "\n";
    }
  }
  return out;
}

}  // namespace

Manifest parse_manifest(const std::string& text, const std::string& namespace_) {
  Manifest manifest;
  for (auto& part : documents(text)) {
    Document document{std::move(part), {}};
    for (const auto& one : yaml::read(document.text, "the rendered chart", {kLargestText, 10'000'000})) {
      add_objects(one.root(), namespace_, document.objects);
    }
    if (!document.objects.empty()) manifest.push_back(std::move(document));
  }
  return manifest;
}

std::string text_of(const Manifest& manifest) {
  std::string out;
  for (const auto& document : manifest) out += "---\n" + document.text;
  return out;
}

std::vector<Object> workloads(const Manifest& manifest) {
  std::vector<Object> out;
  for (const auto& document : manifest) {
    std::copy_if(document.objects.begin(), document.objects.end(), std::back_inserter(out),
                 [](const Object& object) { return is_workload(object) && object.annotations.count(kHook) == 0; });
  }
  return out;
}

std::vector<Object> hooks(const Manifest& manifest, const std::vector<std::string>& events) {
  std::vector<Object> out;
  for (const auto& document : manifest) {
    for (const auto& object : document.objects) {
      const auto hook = object.annotations.find(kHook);
      if (hook == object.annotations.end() || (object.kind != "Job" && object.kind != "Pod")) continue;
      const auto own = base::split(hook->second, ',');
      const bool runs = std::any_of(own.begin(), own.end(), [&](const auto& event) {
        return std::find(events.begin(), events.end(), base::trim(event)) != events.end();
      });
      if (runs) out.push_back(object);
    }
  }
  return out;
}

void take_out_hooks(Manifest& manifest) {
  manifest.erase(std::remove_if(manifest.begin(), manifest.end(),
                                [](const Document& document) {
                                  return std::any_of(
                                      document.objects.begin(), document.objects.end(),
                                      [](const Object& object) { return object.annotations.count(kHook) != 0; });
                                }),
                 manifest.end());
}

std::string names_of(const std::vector<Object>& objects) {
  std::string out;
  for (const auto& object : objects) {
    const nlohmann::json one = {{"apiVersion", object.api_version},
                                {"kind", object.kind},
                                {"metadata", {{"name", object.name}, {"namespace", object.namespace_}}}};
    out += "---\n" + one.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  }
  return out;
}

std::vector<std::string> unknown_kinds(const std::string& stderr_text) {
  constexpr std::string_view kNoMatch = "no matches for kind \"";
  std::vector<std::string> out;
  for (std::size_t at = stderr_text.find(kNoMatch); at != std::string::npos; at = stderr_text.find(kNoMatch, at)) {
    at += kNoMatch.size();
    const auto quoted = base::split(std::string_view(stderr_text).substr(at, 600), '"');
    if (quoted.size() > 2) out.push_back(quoted[0] + " in " + quoted[2]);
  }
  return out;
}

std::string kind_in_version(const Object& object) { return object.kind + " in " + object.api_version; }

std::vector<Object> take_out(Manifest& manifest, const std::vector<std::string>& kinds) {
  std::vector<Object> out;
  const auto is_unknown = [&](const Object& object) {
    return std::find(kinds.begin(), kinds.end(), kind_in_version(object)) != kinds.end();
  };
  const auto goes = [&](const Document& document) {
    return std::any_of(document.objects.begin(), document.objects.end(), is_unknown);
  };
  for (const auto& document : manifest) {
    if (goes(document))
      std::copy_if(document.objects.begin(), document.objects.end(), std::back_inserter(out), is_unknown);
  }
  manifest.erase(std::remove_if(manifest.begin(), manifest.end(), goes), manifest.end());
  return out;
}

}  // namespace wrktalk::deploy::kube
