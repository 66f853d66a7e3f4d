// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/manifest.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/deploy/helm_judge.hpp"

#include <doctest/doctest.h>

using namespace wrktalk;
using namespace wrktalk::deploy;
using policy::Level;
using policy::Policy;

namespace {

/// What a strict policy says of objects in the namespace shop; empty when nothing.
std::string why(const std::string& text) {
  Policy policy(Level::strict);
  policy.data_dirs = {"/srv/data"};
  policy.image_places = {"registry.example.org/"};
  try {
    policy::enforce(policy, manifest::judge(text, "shop", policy));
  } catch (const base::Error& e) {
    return base::starts_with(e.what(), "the policy refuses this release: ") ? e.what() + 33 : e.what();
  }
  return {};
}

std::string pod(const std::string& spec) {
  return "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: " + spec + "\n";
}

}  // namespace

TEST_SUITE("deploy::manifest") {
  TEST_CASE("an ordinary chart's objects pass the strictest policy") {
    CHECK(why("---\n# Source: shop/templates/a.yaml\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  "
              "namespace: shop\n  labels: {a: b}\n"
              "spec:\n  template:\n    spec:\n      hostNetwork: false\n      serviceAccountName: web\n      "
              "securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}\n"
              "      containers:\n      - name: web\n        image: registry.example.org/web@sha256:0\n"
              "        securityContext: {privileged: false, capabilities: {drop: [ALL], add: [NET_BIND_SERVICE]}}\n"
              "      volumes: [{name: d, hostPath: {path: /srv/data/shop}}, {name: c, configMap: {name: c}}]\n"
              "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  x: |\n    kind: ClusterRole\n    "
              "hostNetwork: true\n"
              "---\nkind: Role\nmetadata: {name: r}\nrules: [{apiGroups: ['*'], resources: ['*'], verbs: "
              "['*']}]\n---\n---\n"
              "kind: Service\nmetadata: {name: s, namespace: }\nspec: {type: NodePort}\n") == "");
  }

  TEST_CASE("each dangerous thing is found, with its object and its rule") {
    for (const auto& [text, said] : std::initializer_list<std::pair<std::string, const char*>>{
             {"kind: ClusterRole\nmetadata: {name: x}\n",
              "ClusterRole x gives rights in the whole cluster (cluster_roles)"},
             {"kind: \"Cluster\\x52oleBinding\"\nmetadata: {name: x}\n",
              "ClusterRoleBinding x gives rights in the whole cluster (cluster_roles)"},
             {"{\"kind\":\"ClusterRole\",\"metadata\":{\"name\":\"x\"}}",
              "ClusterRole x gives rights in the whole cluster (cluster_roles)"},
             {"a: 1\n---\nkind: ValidatingWebhookConfiguration\nmetadata: {name: x}\n",
              "ValidatingWebhookConfiguration x takes part in what the API server decides (webhooks)"},
             {"kind: APIService\nmetadata: {name: x}\n",
              "APIService x takes part in what the API server decides (webhooks)"},
             {"kind: CustomResourceDefinition\nmetadata: {name: x}\nspec: {hostNetwork: true}\n",
              "CustomResourceDefinition x changes the cluster's API (crds)"},
             {"kind: Namespace\nmetadata: {name: x}\n", "Namespace x belongs to the whole cluster (cluster_objects)"},
             {"kind: ClusterIssuer\nmetadata: {name: x}\n",
              "ClusterIssuer x belongs to the whole cluster (cluster_objects)"},
             {"kind: Secret\nmetadata: {name: x, namespace: kube-system}\n",
              "Secret x is put into the namespace kube-system (other_namespaces)"},
             {"kind: List\nitems:\n- kind: List\n  items: [{kind: ClusterRole, metadata: {name: x}}]\n",
              "ClusterRole x gives rights in the whole cluster (cluster_roles)"},
             {"kind: ConfigMapList\nitems: [{kind: ConfigMap, metadata: {name: x, namespace: other}}]\n",
              "ConfigMap x is put into the namespace other (other_namespaces)"},
             {pod("{hostNetwork: true}"), "Pod p shares a namespace with the host: hostNetwork (host_namespaces)"},
             {pod("{hostPID: yes}"), "Pod p shares a namespace with the host: hostPID (host_namespaces)"},
             {pod("{\"host\\x49PC\": on}"), "Pod p shares a namespace with the host: hostIPC (host_namespaces)"},
             {pod("{<<: {hostPID: true}}"), "Pod p shares a namespace with the host: hostPID (host_namespaces)"},
             {pod("{containers: [{name: c, securityContext: {privileged: true}}]}"),
              "Pod p has a privileged container c (privileged)"},
             {pod("{initContainers: [{name: c, image: registry.example.org/a@sha256:0, securityContext: {privileged: "
                  "true}}]}"),
              "Pod p has a privileged container c (privileged)"},
             {pod("{securityContext: {seccompProfile: {type: Unconfined}}}"),
              "Pod p runs unconfined: seccompProfile (privileged)"},
             {pod("{securityContext: {windowsOptions: {hostProcess: true}}}"),
              "Pod p runs as a process of the host (privileged)"},
             {pod("{containers: [{name: c, securityContext: {capabilities: {add: [SYS_PTRACE]}}}]}"),
              "Pod p gets the capability SYS_PTRACE (capabilities)"},
             {pod("{volumes: [{name: v, hostPath: {path: /etc}}]}"), "Pod p mounts the node's /etc (host_paths)"},
             {pod("{volumes: [{name: v, hostPath: {path: /srv/data/../x}}]}"),
              "Pod p mounts the node's /srv/data/../x (host_paths)"},
             {pod("{volumes: [{name: v, hostPath: {path: /run/containerd/containerd.sock}}]}"),
              "Pod p mounts the node's /run/containerd/containerd.sock, which gives it the container engine "
              "(engine_socket)"},
             {pod("{containers: [{name: c, image: \"registry.example.org/a:1\"}]}"),
              "Pod p, container c takes image registry.example.org/a:1, which has no digest (unpinned_images)"},
             {pod("{containers: [{name: c, image: \"registry.example.org.evil.example/a@sha256:0\"}]}"),
              "Pod p, container c takes image registry.example.org.evil.example/a@sha256:0 from elsewhere "
              "(foreign_images)"},
             {"kind: Rollout\nmetadata: {name: r}\nspec:\n  template:\n    spec:\n      hostPID: true\n",
              "Rollout r shares a namespace with the host: hostPID (host_namespaces)"},
             {"kind: CronJob\nmetadata: {name: r}\nspec: {jobTemplate: {spec: {template: {spec: {hostIPC: true}}}}}\n",
              "CronJob r shares a namespace with the host: hostIPC (host_namespaces)"},
         }) {
      CAPTURE(text);
      const std::string found = why(text);
      CHECK(found.substr(0, found.find("; ")) == said);
    }
    CHECK(why("kind: PersistentVolume\nmetadata: {name: x}\nspec: {hostPath: {path: /}}\n") ==
          "PersistentVolume x belongs to the whole cluster (cluster_objects); "
          "PersistentVolume x mounts the node's /, which gives it the container engine (engine_socket); "
          "PersistentVolume x mounts the node's / (host_paths)");
    CHECK(why("kind: [\n").find("the rendered chart:2: this is no YAML") == 0);
  }

  TEST_CASE("an image comes from a place at a border of its name alone") {
    for (const char* image :
         {"r.example.org/shop", "r.example.org/shop:1", "r.example.org/shop/web", "r.example.org/shop@sha256:0"})
      CHECK(policy::is_from(image, "r.example.org/shop"));
    CHECK(policy::is_from("r.example.org/shop/web", "r.example.org/shop/"));
    CHECK(policy::is_from("r.example.org:5000/web", "r.example.org"));
    for (const char* image :
         {"r.example.org/shop-evil", "r.example.org/shopping/web", "r.example.org", "evil/r.example.org/shop"})
      CHECK_FALSE(policy::is_from(image, "r.example.org/shop"));
    CHECK_FALSE(policy::is_from("r.example.org.evil.example/web", "r.example.org"));
    CHECK_FALSE(policy::is_from("web", ""));
  }

  TEST_CASE("helm's answer holds the objects and the hooks'") {
    CHECK(helm::objects_in(R"({"manifest":"a","hooks":[{"manifest":"b"},{"x":1}]})") == "a\n---\nb");
    CHECK(helm::objects_in(R"({"manifest":"a"})") == "a");
    CHECK_FALSE(helm::objects_in("Release demo has been cancelled."));
    CHECK_FALSE(helm::objects_in("[]"));
  }
}
