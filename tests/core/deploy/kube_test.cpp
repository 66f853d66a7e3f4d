// SPDX-License-Identifier: Apache-2.0
#include "core/base/error.hpp"
#include "core/base/files.hpp"
#include "core/base/text.hpp"
#include "core/deploy/helm_leave.hpp"
#include "core/deploy/helm_preview.hpp"
#include "core/deploy/kube_health.hpp"
#include "core/deploy/kube_objects.hpp"
#include "core/deploy/kubectl.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace wrktalk;
using namespace wrktalk::deploy;
using namespace wrktalk::deploy::kube;

namespace {

const char* const kManifest = R"(---
# Source: demo/templates/web.yaml
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    text: |
      --- not a document
---
# Source: demo/templates/job.yaml
apiVersion: batch/v1
kind: Job
metadata: {name: setup, namespace: other}
---
apiVersion: batch/v1
kind: Job
metadata:
  name: migrate
  annotations: {"helm.sh/hook": "pre-install, pre-upgrade"}
---
apiVersion: example.org/v1
kind: Foo
metadata: {name: x}
---
# nothing
---
apiVersion: v1
kind: ConfigMapList
items: [{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}]
)";

std::string answer(const std::string& object) { return R"({"kind":"List","items":[)" + object + "]}"; }

std::string object(const std::string& kind, const std::string& spec, const std::string& status, long generation = 2) {
  return R"({"kind":")" + kind + R"(","metadata":{"name":"x","namespace":"n","uid":"u","generation":)" +
         std::to_string(generation) + R"(},"spec":)" + spec + R"(,"status":)" + status + "}";
}

struct Row {
  const char* what;
  std::string json;
  Health health;
  const char* story;
};

std::vector<std::string> titles(const std::vector<Object>& objects) {
  std::vector<std::string> out;
  for (const auto& one : objects) out.push_back(one.namespace_ + ":" + one.title());
  return out;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_SUITE("deploy::kube objects") {
  TEST_CASE("a manifest is parted into documents, and says what is worth a look") {
    auto manifest = parse_manifest(kManifest, "n");
    REQUIRE(manifest.size() == 5);
    CHECK(titles(workloads(manifest)) == Texts{"n:Deployment web", "other:Job setup"});
    CHECK(titles(hooks(manifest, {"pre-upgrade", "post-upgrade"})) == Texts{"n:Job migrate"});
    CHECK(hooks(manifest, {"post-upgrade"}).empty());
    CHECK(manifest[4].objects.front().title() == "ConfigMap a");
    CHECK(manifest[0].text.find("--- not a document") != std::string::npos);
    CHECK(names_of({manifest[1].objects.front()}) ==
          "---\n{\"apiVersion\":\"batch/"
          "v1\",\"kind\":\"Job\",\"metadata\":{\"name\":\"setup\",\"namespace\":\"other\"}}\n");
    take_out_hooks(manifest);
    CHECK(manifest.size() == 4);
    CHECK(parse_manifest(text_of(manifest), "n").size() == 4);
    CHECK_THROWS_AS(parse_manifest("a: [", "n"), base::Error);
    CHECK(parse_manifest("", "n").empty());
  }

  TEST_CASE("kinds that the server does not know are taken out") {
    const auto kinds = unknown_kinds(
        "resource mapping not found for name: \"x\" namespace: \"n\" from \"STDIN\": no matches for kind \"Foo\" in "
        "version \"example.org/v1\"\nensure CRDs are installed first");
    CHECK(kinds == Texts{"Foo in example.org/v1"});
    auto manifest = parse_manifest(kManifest, "n");
    CHECK(titles(take_out(manifest, kinds)) == Texts{"n:Foo x"});
    CHECK(manifest.size() == 4);
    CHECK(take_out(manifest, {}).empty());
  }

  TEST_CASE("an API server that is away is told from one that refuses") {
    for (const char* text :
         {"Error: Kubernetes cluster unreachable: Get \"https://x/version\": dial tcp: connect: connection refused",
          "The connection to the server 127.0.0.1:9 was refused - did you specify the right host or port?",
          "Get \"https://x\": net/http: TLS handshake timeout", "etcdserver: leader changed",
          "kubectl ran out of time after 1 min", "Get \"https://x\": EOF"}) {
      CAPTURE(text);
      CHECK(is_away(text));
    }
    CHECK_FALSE(is_away("Error: UPGRADE FAILED: context deadline exceeded"));
    CHECK_FALSE(is_away("deployments.apps \"web\" is forbidden"));
  }
}

TEST_SUITE("deploy::kube health") {
  TEST_CASE("workloads are well, on their way, or will not become well") {
    const std::string seen = R"("observedGeneration":2)";
    const Row rows[] = {
        {"all of it",
         object("Deployment", R"({"replicas":2})",
                "{" + seen + R"(,"replicas":2,"updatedReplicas":2,"availableReplicas":2})"),
         Health::well, ""},
        {"none wanted", object("Deployment", R"({"replicas":0})", "{" + seen + "}"), Health::well, ""},
        {"not seen",
         object("Deployment", R"({"replicas":1})",
                R"({"observedGeneration":1,"replicas":1,"updatedReplicas":1,"availableReplicas":1})"),
         Health::moving, "was not seen"},
        {"never seen", object("Deployment", R"({"replicas":1})", "{}"), Health::moving, "was not seen"},
        {"old pods",
         object("Deployment", R"({"replicas":1})",
                "{" + seen + R"(,"replicas":2,"updatedReplicas":1,"availableReplicas":2})"),
         Health::moving, "pods of before"},
        {"not updated",
         object("Deployment", R"({"replicas":3})",
                "{" + seen + R"(,"replicas":3,"updatedReplicas":1,"availableReplicas":3})"),
         Health::moving, "1 of 3 pods run what is wanted"},
        {"not available",
         object("Deployment", R"({"replicas":3})",
                "{" + seen + R"(,"replicas":3,"updatedReplicas":3,"availableReplicas":1})"),
         Health::moving, "1 of 3 pods are available"},
        {"paused",
         object("Deployment", R"({"replicas":1,"paused":true})",
                "{" + seen + R"(,"replicas":1,"availableReplicas":1})"),
         Health::failed, "is paused: 0 of 1 pods run what is wanted"},
        {"paused, and runs what is wanted",
         object("Deployment", R"({"replicas":1,"paused":true})",
                "{" + seen + R"(,"replicas":1,"updatedReplicas":1,"availableReplicas":1})"),
         Health::well, ""},
        {"stuck",
         object(
             "Deployment", R"({"replicas":1})",
             "{" + seen +
                 R"(,"updatedReplicas":1,"conditions":[{"type":"Progressing","status":"False","reason":"ProgressDeadlineExceeded","message":"it took too long"}]})"),
         Health::failed, "is stuck: ProgressDeadlineExceeded: it took too long"},
        {"refused",
         object(
             "Deployment", R"({"replicas":1})",
             "{" + seen +
                 R"(,"conditions":[{"type":"ReplicaFailure","status":"True","reason":"FailedCreate","message":"exceeded quota"}]})"),
         Health::moving, "(FailedCreate: exceeded quota)"},
        {"all of it",
         object("StatefulSet", R"({"replicas":1})",
                "{" + seen + R"(,"readyReplicas":1,"updatedReplicas":1,"updateRevision":"b","currentRevision":"b"})"),
         Health::well, ""},
        {"not ready",
         object("StatefulSet", R"({"replicas":2})",
                "{" + seen + R"(,"readyReplicas":1,"updateRevision":"b","currentRevision":"b"})"),
         Health::moving, "1 of 2 pods are ready"},
        {"rolling",
         object("StatefulSet", R"({"replicas":1})",
                "{" + seen + R"(,"readyReplicas":1,"updatedReplicas":0,"updateRevision":"b","currentRevision":"a"})"),
         Health::moving, "0 of 1 pods run"},
        {"kept back",
         object("StatefulSet", R"({"replicas":3,"updateStrategy":{"rollingUpdate":{"partition":2}}})",
                "{" + seen + R"(,"readyReplicas":3,"updatedReplicas":1,"updateRevision":"b","currentRevision":"a"})"),
         Health::well, ""},
        {"by hand",
         object("StatefulSet", R"({"replicas":1,"updateStrategy":{"type":"OnDelete"}})",
                "{" + seen + R"(,"readyReplicas":1,"updateRevision":"b","currentRevision":"a"})"),
         Health::well, ""},
        {"all of it",
         object("DaemonSet", "{}",
                "{" + seen + R"(,"desiredNumberScheduled":2,"updatedNumberScheduled":2,"numberAvailable":2})"),
         Health::well, ""},
        {"no node", object("DaemonSet", "{}", "{" + seen + R"(,"desiredNumberScheduled":0})"), Health::well, ""},
        {"not updated",
         object("DaemonSet", "{}",
                "{" + seen + R"(,"desiredNumberScheduled":2,"updatedNumberScheduled":1,"numberAvailable":2})"),
         Health::moving, "1 of 2 pods run"},
        {"not available",
         object("DaemonSet", "{}",
                "{" + seen + R"(,"desiredNumberScheduled":2,"updatedNumberScheduled":2,"numberAvailable":1})"),
         Health::moving, "1 of 2 pods are available"},
        {"not available", object("ReplicaSet", R"({"replicas":2})", "{" + seen + R"(,"availableReplicas":1})"),
         Health::moving, "1 of 2"},
        {"complete", object("Job", "{}", R"({"conditions":[{"type":"Complete","status":"True"}]})"), Health::well, ""},
        {"failed",
         object(
             "Job", "{}",
             R"({"conditions":[{"type":"Failed","status":"True","reason":"BackoffLimitExceeded","message":"Job has reached\nits limit"}]})"),
         Health::failed, "Job x: has failed: BackoffLimitExceeded: Job has reached its limit"},
        {"runs", object("Job", "{}", R"({"active":1,"failed":2})"), Health::moving,
         "has not ended yet, 2 of its pods have failed"},
        {"suspended", object("Job", R"({"suspend":true})", "{}"), Health::well, ""},
        {"runs", object("Pod", "{}", R"({"phase":"Running","conditions":[{"type":"Ready","status":"True"}]})"),
         Health::well, ""},
        {"ended", object("Pod", "{}", R"({"phase":"Succeeded"})"), Health::well, ""},
        {"failed", object("Pod", "{}", R"({"phase":"Failed"})"), Health::failed, "has failed"},
        {"waits", object("Pod", "{}", R"({"phase":"Pending"})"), Health::moving, "is Pending"},
        {"nothing to run", object("ConfigMap", "{}", "{}"), Health::well, ""},
        {"odd", object("Deployment", "[]", "7"), Health::moving, "was not seen"},
    };
    for (const auto& row : rows) {
      CAPTURE(row.what);
      CAPTURE(row.json);
      const auto live = parse_live(answer(row.json));
      REQUIRE(live.size() == 1);
      CHECK(live[0].health == row.health);
      CHECK(live[0].story.find(row.story) != std::string::npos);
      CHECK(live[0].story.empty() == (row.health == Health::well));
    }
  }

  TEST_CASE("a verdict is the worst of all, and names what is not there") {
    const std::vector<Object> wanted = {{"apps/v1", "Deployment", "n", "x"},
                                        {"apps/v1", "StatefulSet", "n", "gone"},
                                        {"batch/v1", "Job", "n", "ended"}};
    const auto live = parse_live(answer(object("Deployment", R"({"replicas":1})", "{}")));
    const auto verdict = judge(wanted, live);
    CHECK(verdict.health == Health::failed);
    CHECK(verdict.stories ==
          Texts{"Deployment x: was not seen by its controller yet", "StatefulSet gone is not there"});
    CHECK(judge({wanted[0]}, live).health == Health::moving);
    CHECK(judge({wanted[2]}, live).health == Health::well);
    CHECK(judge({{"apps/v1", "Deployment", "other", "x"}}, live).health == Health::failed);
  }

  TEST_CASE("what kubectl prints otherwise is refused, and nothing is nothing") {
    CHECK(parse_live("").empty());
    CHECK(parse_live(object("Pod", "{}", "{}")).size() == 1);
    CHECK_THROWS_AS(parse_live("nonsense"), base::Error);
    CHECK_THROWS_AS(parse_live(R"({"items":[{"kind":"Job","spec":{"suspend":"x"}}]})"), base::Error);
  }

  TEST_CASE("live objects differ in what a manifest sets, whoever scaled them") {
    const auto deployment = [](const char* replicas, const char* image, long generation) {
      return object("Deployment", std::string(R"({"replicas":)") + replicas + R"(,"image":")" + image + R"("})", "{}",
                    generation);
    };
    const std::string live = answer(deployment("3", "web:1", 7));
    CHECK(differences(live, answer(deployment("3", "web:1", 8))).empty());
    CHECK(differences(live, answer(deployment("1", "web:1", 8))).empty());
    CHECK(differences(live, answer(deployment("1", "web:2", 8))) == Texts{"Deployment x: spec.image"});
    CHECK(differences(answer(deployment("0", "web:1", 7)), answer(deployment("1", "web:1", 8))) ==
          Texts{"Deployment x: spec.replicas"});
    CHECK(differences(answer(""), answer(object("Secret", R"({"word":"hidden"})", "{}"))) ==
          Texts{"Secret x is not there"});
    CHECK(differences("", answer(object("Job", "{}", "{}"))).empty());
    CHECK(differences(live, "").empty());
  }
}

TEST_SUITE("deploy::helm leave") {
  TEST_CASE("what others have scaled is rendered with the number that is there") {
    const std::string objects =
        "---\n# Source: a\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: 1\n  replicas_of: 1\n"
        "---\nkind: Deployment\nmetadata: {name: flow}\nspec: {replicas: 2, x: y}\n"
        "---\nkind: Deployment\nmetadata: {name: other}\nspec: {replicas: 1}\n";
    std::vector<Live> live;
    for (const char* name : {"web", "flow", "other"}) {
      Live one;
      one.kind = "Deployment";
      one.namespace_ = "n";
      one.name = name;
      one.replicas = 7;
      live.push_back(one);
    }
    const std::string left = helm::with_live_replicas(objects, "n", {"Deployment web", "Deployment flow"}, live);
    CHECK(left.find("  replicas: 7\n  replicas_of: 1\n") != std::string::npos);
    CHECK(left.find("{replicas: 7, x: y}") != std::string::npos);
    CHECK(left.find("{replicas: 1}") != std::string::npos);
    CHECK_THROWS_AS(helm::with_live_replicas("kind: Deployment\nmetadata: {name: web}\nspec: {replicas:\n  1}\n", "n",
                                             {"Deployment web"}, live),
                    base::Error);
  }

  TEST_CASE("a chart of what was rendered prints it as it is") {
    const base::TempDir folder("/tmp", "helm-leave-");
    const std::string original = folder.path() + "/demo";
    base::make_directories(original, 0755);
    base::write_file(original + "/Chart.yaml", "name: demo\ndependencies:\n- name: sub\n  version: 1\nversion: 2\n",
                     0644);
    helm::write_rendered_chart(original, "a: {{ b }}\n", folder.path() + "/left");
    CHECK(base::read_file(folder.path() + "/left/Chart.yaml", 1000) == "name: demo\nversion: 2\n\n");
    CHECK(base::read_file(folder.path() + "/left/templates/all.yaml", 1000) == "a: {{ \"{{\" }} b }}\n");
    CHECK_FALSE(base::exists(folder.path() + "/left/values.yaml"));
  }
}

TEST_SUITE("deploy::helm preview") {
  TEST_CASE("conflicts are told with their owner, one or many, and helm's own are none") {
    const auto one = helm::parse_conflicts(
        "error: Apply failed with 1 conflict: conflict with \"kubectl\" with subresource \"scale\" using apps/v1: "
        ".spec.replicas\nPlease review the fields above--they currently have other managers.\n");
    REQUIRE(one.size() == 1);
    CHECK(one[0].owner == "kubectl (scale)");
    CHECK(one[0].fields == Texts{".spec.replicas"});
    const auto many = helm::parse_conflicts(
        "error: Apply failed with 3 conflicts: conflicts with \"hpa\" using apps/v1:\n- .spec.replicas\nconflicts with "
        "\"kubectl-edit\" using apps/v1:\n- .spec.a\n- .spec.template.spec.containers[name=\"web\"].image\nconflicts "
        "with "
        "\"helm\" using apps/v1:\n- .spec.b\nPlease review the fields above\n* If you intend\n");
    REQUIRE(many.size() == 2);
    CHECK(many[0].owner == "hpa");
    CHECK(many[1].fields == Texts{".spec.a", ".spec.template.spec.containers[name=\"web\"].image"});
    CHECK(helm::parse_conflicts("Error from server (Forbidden): no").empty());
  }
}
