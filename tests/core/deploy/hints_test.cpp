// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/hints.hpp"

#include "core/base/text.hpp"
#include "core/log/log.hpp"
#include "core/log/ordinary.hpp"

#include <doctest/doctest.h>

#include <cctype>

using namespace wrktalk;
using deploy::hint_for;
using deploy::shorten;

namespace {

/// Words of helm, Kubernetes and both makes of compose, as they print them or as their sources and documents have them, and what the hint
/// is to say.
struct Told {
  const char* words;
  const char* says;
};
const Told kTold[] = {
    {"Error: UPGRADE FAILED: create: failed to create: Secret \"sh.helm.release.v1.demo.v2\" is invalid: data: Too "
     "long: "
     "may not be more than 1048576 bytes",
     "1 MiB"},
    {"Error: create: failed to create: etcdserver: request is too large", "1 MiB"},
    {"Error: UPGRADE FAILED: cannot patch \"init\" with kind Job: Job.batch \"init\" is invalid: spec.template: "
     "Invalid "
     "value: ***: field is immutable",
     "delete that object"},
    {"Error: UPGRADE FAILED: cannot patch \"db\" with kind StatefulSet: StatefulSet.apps \"db\" is invalid: spec: "
     "Forbidden: "
     "updates to statefulset spec for fields other than 'replicas' are forbidden",
     "--cascade=orphan"},
    {"PersistentVolumeClaim \"data\" is invalid: spec: Forbidden: spec is immutable after creation except "
     "resources.requests",
     "delete that object"},
    {"Service \"web\" is invalid: spec.clusterIP: Invalid value: \"\": may not change once set", "delete that object"},
    {"Error: UPGRADE FAILED: pre-upgrade hooks failed: warning: Hook pre-upgrade demo/templates/job.yaml failed: 1 "
     "error "
     "occurred:\n\t* jobs.batch \"demo-migrate\" already exists",
     "before-hook-creation"},
    {"Error: UPGRADE FAILED: conflict occurred while applying object n/web apps/v1, Kind=Deployment: Apply failed with "
     "1 "
     "conflict: conflict with \"kubectl\" with subresource \"scale\" using apps/v1: .spec.replicas",
     "\"kubectl\" changed it"},
    {"Error: unable to build kubernetes objects from release manifest: resource mapping not found for name: \"p\" "
     "namespace: \"\" from \"\": no matches for kind \"PodSecurityPolicy\" in version \"policy/v1beta1\"\nensure CRDs "
     "are "
     "installed first",
     "kubectl api-resources"},
    {"failed to create typed patch object (n/w; example.org/v1, Kind=Widget): .spec.size: field not declared in schema",
     "kubectl apply --server-side -f crds/"},
    {"Error: unable to continue with install: Service \"web\" in namespace \"n\" exists and cannot be imported into "
     "the "
     "current release: invalid ownership metadata; label validation error",
     "meta.helm.sh/release-name"},
    {"Error: values don't meet the specifications of the schema(s) in the following chart(s):\ndemo:\n- pw: too short",
     "values.schema.json"},
    {"Error: execution error at (demo/templates/f.yaml:1:3): bad password", "the chart itself refuses"},
    {"FailedCreate of ReplicaSet web-5c76: Error creating: pods \"web-5c76-x\" is forbidden: exceeded quota: q, "
     "requested: "
     "pods=1, used: pods=1, limited: pods=1",
     "kubectl describe resourcequota --namespace shop"},
    {"Error creating: pods \"w\" is forbidden: failed quota: q: must specify limits.cpu for: web",
     "requests and limits"},
    {"Error creating: pods \"w\" is forbidden: violates PodSecurity \"restricted:latest\": allowPrivilegeEscalation != "
     "false",
     "--show-labels"},
    {"Error creating: pods \"w\" is forbidden: error looking up service account n/shop: serviceaccount \"shop\" not "
     "found",
     "make the service account"},
    {"admission webhook \"policy.example.org\" denied the request: no", "validatingwebhookconfigurations"},
    {"deployments.apps \"web\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no",
     "validatingadmissionpolicies"},
    {"Internal error occurred: failed calling webhook \"x\": failed to call webhook: Post \"https://x\": no endpoints",
     "remove its configuration"},
    {"configmaps \"a\" is forbidden: unable to create new content in namespace n because it is being terminated",
     "wait until namespace shop is gone"},
    {"Error: query: failed to query with labels: secrets is forbidden: User \"system:serviceaccount:t2:poll\" cannot "
     "list "
     "resource \"secrets\" in API group \"\" in the namespace \"t2\"",
     "cannot list resource \"secrets\""},
    {"pods \"w\" is forbidden: something else", "which rule of the cluster"},
    {"web-6c5 is Pending: web is waiting (ImagePullBackOff: Back-off pulling image)", "imagePullSecrets"},
    {"web is waiting (CreateContainerConfigError: secret \"x\" not found)", "the Secret or ConfigMap"},
    {"FailedScheduling of Pod web: 0/1 nodes are available: 1 Insufficient cpu.", "free room on the nodes"},
    {"Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
     "docker version"},
    {"ERROR: UnixHTTPConnectionPool(host='localhost', port=None): Read timed out. (read timeout=60)",
     "COMPOSE_HTTP_TIMEOUT"},
    {"driver failed programming external connectivity on endpoint web: Bind for 0.0.0.0:80 failed: port is already "
     "allocated",
     "ss -ltnp"},
    {"listen tcp4 0.0.0.0:80: bind: address already in use", "ss -ltnp"},
    {"Error response from daemon: Conflict. The container name \"/shop-db\" is already in use by container \"ee93\".",
     "the container shop-db when nobody needs it"},
    {"Volume \"shop_data\" exists but doesn't match configuration in compose file. Recreate (data will be lost)? (y/N)",
     "docker volume rm"},
    {"Configuration for volume data specifies \"device\" driver_opt /a, but a volume with the same name uses a "
     "different "
     "\"device\" driver_opt (/b).",
     "docker volume rm"},
    {"Error response from daemon: Get \"http://127.0.0.1:1/v2/\": dial tcp 127.0.0.1:1: connect: connection refused",
     "docker login"},
    {"manifest for shop/web:9 not found: manifest unknown: manifest unknown", "docker login"},
    {"exec: \"nosuch\": executable file not found in $PATH: unknown", "no such program"},
    {"network shop declared as external, but could not be found", "make that network"},
    {"Error: kubernetes cluster unreachable: Get \"https://127.0.0.1:9/version\": dial tcp 127.0.0.1:9", "KUBECONFIG"},
    {"Error: UPGRADE FAILED: release demo failed, and has been rolled back: context deadline exceeded", "time-out"},
};

}  // namespace

TEST_SUITE("deploy::hints") {
  TEST_CASE("every cause has the hint that fits it") {
    for (const auto& [words, says] : kTold) {
      INFO(words);
      const std::string hint = hint_for(words, "shop");
      CHECK_MESSAGE(hint.find(says) != std::string::npos, hint);
      CHECK(hint.find('{') == hint.find("{{"));
    }
    CHECK(hint_for("something that nobody knows").empty());
  }

  TEST_CASE("the cause behind a time-out counts, not the time-out") {
    const std::string words =
        "Error: UPGRADE FAILED: context deadline exceeded\nwarnings:\nFailedCreate of ReplicaSet web: "
        "pods \"w\" is forbidden: exceeded quota: q";
    CHECK(hint_for(words, "shop").find("resourcequota") != std::string::npos);
  }

  TEST_CASE("only what RBAC forbids asks for rights") {
    for (const auto& [words, says] : kTold) {
      const std::string text = words;
      if (text.find("is forbidden") == std::string::npos || text.find("User \"") != std::string::npos) continue;
      INFO(text);
      CHECK(hint_for(text, "shop").find("grant the agent") == std::string::npos);
    }
  }

  TEST_CASE("no row is unreachable") {
    for (const auto& row : deploy::hint_rows()) {
      std::string words;
      for (const char* word : row.words) words += std::string(word) + " ";
      INFO(words);
      CHECK_FALSE(hint_for(words).empty());
    }
  }

  TEST_CASE("the words of a cause are never masked: no value makes them secret") {
    for (const auto& row : deploy::hint_rows()) {
      for (const char* pattern : row.words) {
        std::string word;
        for (const char c : std::string(pattern) + " ") {
          if (std::isalpha(static_cast<unsigned char>(c)) != 0) {
            word += c;
            continue;
          }
          if (word.size() >= 8) CHECK_MESSAGE(log::is_ordinary(word), word);
          word.clear();
        }
      }
    }
  }

  TEST_CASE("the words stay readable when they speak of a Secret") {
    for (const auto& [words, says] : kTold) {
      INFO(words);
      CHECK(hint_for(log::redact(words), "shop") == hint_for(words, "shop"));
    }
  }

  TEST_CASE("of a long message the beginning and the end stay") {
    CHECK(shorten("short", 100) == "short");
    CHECK(shorten("begin" + std::string(500, '.') + "end", 20) == "begin..... ... .......end");
    CHECK(shorten("ä" + std::string(500, '.') + "ö", 4) == "ä ... ö");
    CHECK(shorten("ä" + std::string(500, '.') + "ö", 2) == " ... ");
  }
}
