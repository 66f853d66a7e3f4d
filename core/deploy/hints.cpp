// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/hints.hpp"

#include "core/base/text.hpp"

#include <algorithm>

namespace wrktalk::deploy {
namespace {

void replace(std::string& text, std::string_view what, const std::string& with) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
}

std::string found_in(std::string_view words, const HintRow& row) {
  const std::string_view behind = row.behind;
  std::size_t at = behind.empty() ? std::string_view::npos : words.find(behind);
  if (at == std::string_view::npos) return "?";
  at += behind.size();
  const std::size_t end = std::min(words.find(row.until, at), words.find('\n', at));
  return base::one_line(words.substr(at, end == std::string_view::npos ? end : end - at));
}

// What is done about causes that are worded in several ways.
constexpr const char* kTooLarge =
    "make the release smaller: helm keeps chart and values in one Secret, which has 1 MiB at most. Leave out of the "
    "chart what it does not need (.helmignore), large files first";
constexpr const char* kImmutable =
    "delete that object and deploy again (kubectl delete KIND NAME --namespace {place}, of a StatefulSet with "
    "--cascade=orphan), or have the chart give it another name: the cluster does not change that field in place";
constexpr const char* kNoKind =
    "take a chart that uses an API which this cluster has (kubectl api-resources): it was removed, or its "
    "CustomResourceDefinition is not installed; helm installs those of crds/ only with the first deployment";
constexpr const char* kOldDefinition =
    "bring the chart's CustomResourceDefinitions up to date before: kubectl apply --server-side -f crds/. helm never "
    "changes those that are there";
constexpr const char* kLeftHook =
    "remove what an earlier hook has left, then deploy again: kubectl delete job NAME --namespace {place}; the chart "
    "should have the annotation helm.sh/hook-delete-policy: before-hook-creation";
constexpr const char* kWebhook =
    "see why it denies the release, or let its owner allow it: kubectl get validatingwebhookconfigurations, "
    "mutatingwebhookconfigurations, validatingadmissionpolicies";
constexpr const char* kImage =
    "see that the image's name and tag are right, and that the registry answers and lets us in (docker login, "
    "imagePullSecrets)";
constexpr const char* kPort =
    "end what has that port, or publish another one: docker ps --format '{{.Names}} {{.Ports}}', ss -ltnp";
constexpr const char* kVolume =
    "save what is in the volume, remove it and deploy again (docker volume rm), or give the changed one another name: "
    "a "
    "volume that is there keeps its driver and options";
constexpr const char* kEngine = "check that the engine runs and that we may use its socket: docker version";

}  // namespace

const std::vector<HintRow>& hint_rows() {
  static const std::vector<HintRow> kRows = {
      // What keeps helm or the cluster from taking the release.
      {{"sh.helm.release.v1.", "Too long"}, kTooLarge},
      {{"sh.helm.release.v1.", "must have at most 1048576"}, kTooLarge},
      {{"equest is too large"}, kTooLarge},
      {{"equest entity too large"}, kTooLarge},
      {{"because it is being terminated"},
       "wait until namespace {place} is gone, then deploy again; kubectl get namespace {place} --output yaml says what "
       "it waits for"},
      {{"hooks failed", "already exists"}, kLeftHook},
      {{"Hook", "already exists"}, kLeftHook},
      {{"conflict with \""},
       "let go of the field, or have the chart not set it: \"{what}\" changed it by server-side apply or with kubectl. "
       "kubectl get KIND NAME --namespace {place} --show-managed-fields --output yaml shows what it owns",
       "conflict with \"",
       '"'},
      {{"field is immutable"}, kImmutable},
      {{"Forbidden: updates to"}, kImmutable},
      {{"is immutable after creation"}, kImmutable},
      {{"may not change once set"}, kImmutable},
      {{"no matches for kind"}, kNoKind},
      {{"ensure CRDs are installed first"}, kNoKind},
      {{"field not declared in schema"}, kOldDefinition},
      {{"unknown field \""}, kOldDefinition},
      {{"invalid ownership metadata"},
       "remove or rename the object that is there, or let this release have it: its label "
       "app.kubernetes.io/managed-by=Helm and its annotations meta.helm.sh/release-name and release-namespace say "
       "whose "
       "it is"},
      {{"specifications of the schema"},
       "correct the values that are stored with the release: the chart's values.schema.json does not take them"},
      {{"execution error at ("}, "correct the values that are stored with the release: the chart itself refuses them"},

      // What keeps pods from being made, being started, or being ready.
      {{"exceeded quota"}, "raise the quota or ask for less: kubectl describe resourcequota --namespace {place}"},
      {{"forbidden: failed quota"},
       "have the chart set the requests and limits that the quota asks for: kubectl describe resourcequota --namespace "
       "{place}"},
      {{"violates PodSecurity"},
       "have the chart's pods fit the level that the namespace enforces, or lower it: kubectl get namespace {place} "
       "--show-labels"},
      {{"error looking up service account"},
       "make the service account, or have the chart name one that is there: kubectl get serviceaccounts --namespace "
       "{place}"},
      {{"admission webhook \"", "denied the request"}, kWebhook},
      {{"ValidatingAdmissionPolicy", "denied request"}, kWebhook},
      {{"failed calling webhook"},
       "bring the webhook's service back, or remove its configuration when nobody serves it any more: kubectl get "
       "validatingwebhookconfigurations,mutatingwebhookconfigurations"},
      {{"attempting to grant RBAC permissions not currently held"},
       "give the agent the rights that the chart's roles hand out, or the verb escalate on roles: {what}",
       "attempting to grant RBAC permissions not currently held:",
       '\0'},
      {{"is forbidden: User \"", "\" cannot "},
       "grant the agent what it lacks: that user cannot {what}. It needs list, get, create, update and delete on "
       "secrets "
       "in namespace {place}, and the chart's own kinds",
       "\" cannot ",
       '\0'},
      {{"is forbidden"}, "see what forbids it: the words behind \"is forbidden\" say which rule of the cluster it is"},
      {{"InvalidImageName"}, kImage},
      {{"ErrImagePull"}, kImage},
      {{"ImagePullBackOff"}, kImage},
      {{"Failed to pull image"}, kImage},
      {{"CreateContainerConfigError"},
       "make the Secret or ConfigMap that the container names, or correct its name: kubectl get secrets,configmaps "
       "--namespace {place}"},
      {{"FailedMount"}, "see why the volume cannot be mounted: kubectl describe pods --namespace {place}"},
      {{"nodes are available"}, "free room on the nodes, or have the chart ask for less: kubectl describe nodes"},
      {{"OOMKilled"}, "raise the container's memory limit"},
      {{"CrashLoopBackOff"},
       "read what the container said before it ended: kubectl logs --previous --namespace {place}"},

      // Docker and compose.
      {{"Cannot connect to the Docker daemon"}, kEngine},
      {{"permission denied while trying to connect"}, kEngine},
      {{"HTTPConnectionPool", "Read timed out"},
       "give the engine more time: set COMPOSE_HTTP_TIMEOUT (in seconds, 60 without it) for the agent"},
      {{"port is already allocated"}, kPort},
      {{"ddress already in use"}, kPort},
      {{"The container name \"", "is already in use"},
       "remove or rename the container {what} when nobody needs it, or leave container_name out of the release: docker "
       "ps --all --filter name={what}",
       "The container name \"/",
       '"'},
      {{"exists but doesn't match configuration in compose file"}, kVolume},
      {{"a volume with the same name uses a different"}, kVolume},
      {{"overlaps with other one on this address space"},
       "give the network another subnet, or remove the network that has it: docker network ls"},
      {{"non-overlapping IPv4 address pool"}, "remove networks that nobody uses: docker network prune"},
      {{"declared as external, but could not be found"}, "make that network or volume before, or correct its name"},
      {{"external volume \"", "not found"}, "make that volume before (docker volume create), or correct its name"},
      {{"pull access denied"}, kImage},
      {{"manifest unknown"}, kImage},
      {{"manifest for ", " not found"}, kImage},
      {{"/v2/\": "}, kImage},
      {{"no matching manifest for"}, "take an image that is built for this machine's architecture"},
      {{"exec format error"}, "take an image that is built for this machine's architecture"},
      {{"executable file not found in $PATH"},
       "correct the service's command or entrypoint: the image has no such program"},
      {{"no space left on device"}, "free space on the engine's disk: docker system df"},

      // What follows from other things.
      {{"luster unreachable"},
       "check KUBECONFIG or the service account, and that the API server answers: helm list --namespace {place}"},
      {{"context deadline exceeded"},
       "look at the pods with kubectl get pods --namespace {place}, or raise the time-out "
       "(WRKTALK_AGENT_HELM_TIMEOUT)"},
      {{"timed out waiting"},
       "look at the pods with kubectl get pods --namespace {place}, or raise the time-out "
       "(WRKTALK_AGENT_HELM_TIMEOUT)"},
  };
  return kRows;
}

std::string hint_for(std::string_view words, const std::string& place) {
  for (const auto& row : hint_rows()) {
    const bool is_it = std::all_of(row.words.begin(), row.words.end(),
                                   [&](const char* word) { return words.find(word) != std::string_view::npos; });
    if (!is_it) continue;
    std::string hint = row.hint;
    replace(hint, "{what}", found_in(words, row));
    replace(hint, "{place}", place);
    return hint;
  }
  return {};
}

std::string shorten(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return std::string(text);
  const auto continues = [&](std::size_t at) { return (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80; };
  std::size_t head = limit / 2;
  std::size_t tail = text.size() - limit / 2;
  while (head > 0 && continues(head)) --head;
  while (tail < text.size() && continues(tail)) ++tail;
  return std::string(text.substr(0, head)) + " ... " + std::string(text.substr(tail));
}

std::vector<std::string> at_most(std::vector<std::string> texts, std::size_t most) {
  if (texts.size() <= most) return texts;
  const std::size_t more = texts.size() - most + 1;
  texts.resize(most - 1);
  texts.push_back("and " + std::to_string(more) + " more");
  return texts;
}

}  // namespace wrktalk::deploy
