// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/manifest.hpp"

#include "core/base/text.hpp"
#include "core/yaml/document.hpp"

#include <algorithm>
#include <filesystem>
#include <set>

namespace wrktalk::deploy::manifest {
namespace {

using policy::Rule;
using yaml::Node;

constexpr std::size_t kLargestText = 64 * 1024 * 1024;

const std::set<std::string> kWebhooks = {"ValidatingWebhookConfiguration",
                                         "MutatingWebhookConfiguration",
                                         "ValidatingAdmissionPolicy",
                                         "ValidatingAdmissionPolicyBinding",
                                         "MutatingAdmissionPolicy",
                                         "MutatingAdmissionPolicyBinding",
                                         "APIService"};
const std::set<std::string> kOfTheCluster = {"Namespace",
                                             "Node",
                                             "PersistentVolume",
                                             "StorageClass",
                                             "CSIDriver",
                                             "CSINode",
                                             "PriorityClass",
                                             "RuntimeClass",
                                             "VolumeAttachment",
                                             "IngressClass",
                                             "FlowSchema",
                                             "PriorityLevelConfiguration",
                                             "DeviceClass",
                                             "PodSecurityPolicy",
                                             "SecurityContextConstraints",
                                             "CertificateSigningRequest"};

class Judge {
 public:
  Judge(const std::string& home, const policy::Policy& policy) : home_(home), policy_(policy) {}

  void object(const Node& root) {
    const std::string kind = root.text_of("kind");
    if (base::ends_with(kind, "List")) {
      for (const Node* items : root.values("items")) {
        for (const Node* item : items->items) object(*item);
      }
    }
    std::string name;
    for (const Node* metadata : root.values("metadata")) {
      if (name.empty()) name = metadata->text_of("name");
    }
    who_ = base::one_line(kind) + " " + base::one_line(name);
    of_kind(kind);
    for (const Node* metadata : root.values("metadata")) {
      for (const Node* space : metadata->values("namespace")) {
        if (space->is_scalar() && !space->is_null() && space->text != home_)
          add(Rule::other_namespaces, "is put into the namespace " + base::one_line(space->text));
      }
    }
    if (kind == "PersistentVolume") {
      for (const Node* spec : root.values("spec")) {
        for (const char* key : {"hostPath", "local"}) {
          for (const Node* place : spec->values(key)) host_path(place->text_of("path"));
        }
      }
    }
    // A definition's schema names every field, and uses none of them.
    if (kind != "CustomResourceDefinition" && !base::ends_with(kind, "List")) walk(root);
  }

  policy::Findings findings() { return std::move(out_); }

 private:
  void add(Rule rule, const std::string& text) { out_.push_back({rule, who_ + " " + text}); }

  void of_kind(const std::string& kind) {
    if (kind == "ClusterRole" || kind == "ClusterRoleBinding") {
      add(Rule::cluster_roles, "gives rights in the whole cluster");
    } else if (kWebhooks.count(kind) != 0) {
      add(Rule::webhooks, "takes part in what the API server decides");
    } else if (kind == "CustomResourceDefinition") {
      add(Rule::crds, "changes the cluster's API");
    } else if (kOfTheCluster.count(kind) != 0 || base::starts_with(kind, "Cluster")) {
      add(Rule::cluster_objects, "belongs to the whole cluster");
    }
  }

  void walk(const Node& node) {
    for (const Node* item : node.items) walk(*item);
    if (!node.is_mapping()) return;
    pod(node);
    for (const auto& [key, value] : node.entries()) walk(*value);
  }

  void pod(const Node& spec) {
    for (const char* key : {"hostNetwork", "hostPID", "hostIPC"}) {
      if (is_set(spec, key)) add(Rule::host_namespaces, std::string("shares a namespace with the host: ") + key);
    }
    for (const char* key : {"containers", "initContainers", "ephemeralContainers"}) {
      for (const Node* list : spec.values(key)) {
        for (const Node* one : list->items) container(*one);
      }
    }
    for (const Node* volumes : spec.values("volumes")) {
      for (const Node* one : volumes->items) {
        for (const Node* path : one->values("hostPath")) host_path(path->text_of("path"));
      }
    }
    // A container has an image; its context was judged with its name.
    if (spec.values("image").empty()) {
      for (const Node* context : spec.values("securityContext")) security(*context, "");
    }
    for (const Node* annotations : spec.values("annotations")) {
      for (const auto& [key, value] : annotations->entries()) {
        if (key->text.find("apparmor") != std::string::npos && value->text == "unconfined")
          add(Rule::privileged, "runs unconfined: AppArmor");
      }
    }
  }

  void container(const Node& one) {
    const std::string name = "container " + base::one_line(one.text_of("name"));
    for (const Node* image : one.values("image")) {
      if (image->is_scalar() && !image->is_null()) policy::judge_image(policy_, who_ + ", " + name, image->text, out_);
    }
    for (const Node* context : one.values("securityContext")) security(*context, name + " ");
  }

  /// Of a pod or, with its name, of a container.
  void security(const Node& context, const std::string& of) {
    if (is_set(context, "privileged"))
      add(Rule::privileged, of.empty() ? "is privileged" : "has a privileged " + base::trim(of));
    for (const Node* options : context.values("windowsOptions")) {
      if (is_set(*options, "hostProcess")) add(Rule::privileged, "runs as a process of the host");
    }
    for (const char* key : {"seccompProfile", "appArmorProfile"}) {
      for (const Node* profile : context.values(key)) {
        if (profile->text_of("type") == "Unconfined")
          add(Rule::privileged, of.empty() ? std::string("runs unconfined: ") + key : "has an unconfined " + of + key);
      }
    }
    if (context.text_of("procMount") == "Unmasked") add(Rule::privileged, "sees /proc unmasked");
    for (const Node* capabilities : context.values("capabilities")) {
      for (const Node* added : capabilities->values("add")) {
        for (const Node* one : added->items) {
          if (policy::is_dangerous_capability(one->text))
            add(Rule::capabilities, "gets the capability " + base::one_line(one->text));
        }
      }
    }
  }

  void host_path(const std::string& path) {
    const std::string plain = std::filesystem::path(path).lexically_normal().string();
    const std::string text = "mounts the node's " + base::one_line(path);
    const bool is_socket = policy::is_engine_socket(plain);
    if (is_socket || policy::holds_engine_socket(plain))
      add(Rule::engine_socket, text + ", which gives it the container engine");
    const bool is_data = std::any_of(policy_.data_dirs.begin(), policy_.data_dirs.end(), [&](const auto& dir) {
      return plain == dir || base::starts_with(plain, dir + "/");
    });
    if (!is_socket && !is_data) add(Rule::host_paths, text);
  }

  static bool is_set(const Node& map, const char* key) {
    const auto values = map.values(key);
    return std::any_of(values.begin(), values.end(), [](const Node* value) { return value->is_true(); });
  }

  const std::string& home_;
  const policy::Policy& policy_;
  std::string who_;
  policy::Findings out_;
};

}  // namespace

const std::vector<Rule>& rules() {
  static const std::vector<Rule> kRules = {Rule::privileged,     Rule::host_namespaces, Rule::capabilities,
                                           Rule::engine_socket,  Rule::host_paths,      Rule::unpinned_images,
                                           Rule::foreign_images, Rule::cluster_roles,   Rule::webhooks,
                                           Rule::crds,           Rule::cluster_objects, Rule::other_namespaces};
  return kRules;
}

policy::Findings judge(std::string_view text, const std::string& namespace_, const policy::Policy& policy) {
  Judge judge(namespace_, policy);
  for (const auto& document : yaml::read(text, "the rendered chart", {kLargestText, 10'000'000}))
    judge.object(document.root());
  return judge.findings();
}

}  // namespace wrktalk::deploy::manifest
