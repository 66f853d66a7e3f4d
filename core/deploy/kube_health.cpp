// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/kube_health.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace wrktalk::deploy::kube {
namespace {

using nlohmann::json;

struct State {
  Health health = Health::well;
  std::string why{};
};

long number(const json& object, const char* key, long missing = 0) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number_integer() ? found->get<long>() : missing;
}

json part(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_object() ? *found : json::object();
}

std::string text(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

/// "reason: message" of a condition that is True or False as `status` says.
std::optional<std::string> condition(const json& status, const char* type, const char* value) {
  for (const auto& each : status.value("conditions", json::array())) {
    if (text(each, "type") != type || text(each, "status") != value) continue;
    const std::string message = base::one_line(text(each, "message"));
    return text(each, "reason") + (message.empty() ? "" : ": " + message);
  }
  return std::nullopt;
}

std::string pods(long count, long of, const char* what) {
  return std::to_string(count) + " of " + std::to_string(of) + " pods " + what;
}

std::string type_of_update(const json& spec) { return text(part(spec, "updateStrategy"), "type"); }

State of_deployment(const json& spec, const json& status) {
  const long wanted = number(spec, "replicas", 1);
  const long updated = number(status, "updatedReplicas");
  if (spec.value("paused", false) && updated < wanted) {
    return {Health::failed, "is paused: " + pods(updated, wanted, "run what is wanted")};
  }
  const auto stuck = condition(status, "Progressing", "False");
  if (stuck && base::starts_with(*stuck, "ProgressDeadlineExceeded")) return {Health::failed, "is stuck: " + *stuck};
  const auto refused = condition(status, "ReplicaFailure", "True");
  const std::string why = refused ? " (" + *refused + ")" : "";
  if (updated < wanted) return {Health::moving, pods(updated, wanted, "run what is wanted") + why};
  if (number(status, "replicas") > updated) return {Health::moving, "pods of before have not ended yet"};
  const long available = number(status, "availableReplicas");
  if (available < wanted) return {Health::moving, pods(available, wanted, "are available") + why};
  return {};
}

State of_stateful_set(const json& spec, const json& status) {
  const long wanted = number(spec, "replicas", 1);
  const long ready = number(status, "readyReplicas");
  if (ready < wanted) return {Health::moving, pods(ready, wanted, "are ready")};
  if (type_of_update(spec) == "OnDelete") return {};
  const long kept = number(part(part(spec, "updateStrategy"), "rollingUpdate"), "partition");
  const long updated = number(status, "updatedReplicas");
  if (kept > 0) {
    if (updated < wanted - kept) return {Health::moving, pods(updated, wanted - kept, "run what is wanted")};
  } else if (wanted > 0 && text(status, "updateRevision") != text(status, "currentRevision")) {
    return {Health::moving, pods(updated, wanted, "run what is wanted")};
  }
  return {};
}

State of_daemon_set(const json& spec, const json& status) {
  const long wanted = number(status, "desiredNumberScheduled");
  const long updated = number(status, "updatedNumberScheduled");
  if (type_of_update(spec) != "OnDelete" && updated < wanted)
    return {Health::moving, pods(updated, wanted, "run what is wanted")};
  const long available = number(status, "numberAvailable");
  if (available < wanted) return {Health::moving, pods(available, wanted, "are available")};
  return {};
}

State of_job(const json& spec, const json& status) {
  if (const auto failed = condition(status, "Failed", "True")) return {Health::failed, "has failed: " + *failed};
  if (const auto failed = condition(status, "FailureTarget", "True")) return {Health::failed, "has failed: " + *failed};
  if (condition(status, "Complete", "True") || condition(status, "SuccessCriteriaMet", "True")) return {};
  if (spec.value("suspend", false)) return {};
  const long failures = number(status, "failed");
  return {Health::moving,
          "has not ended yet" + (failures > 0 ? ", " + std::to_string(failures) + " of its pods have failed" : "")};
}

State of_pod(const json&, const json& status) {
  const std::string phase = text(status, "phase");
  if (phase == "Succeeded") return {};
  if (phase == "Failed") return {Health::failed, "has failed"};
  if (phase == "Running" && condition(status, "Ready", "True")) return {};
  return {Health::moving, "is " + phase + " and not ready"};
}

State of_replica_set(const json& spec, const json& status) {
  const long wanted = number(spec, "replicas", 1);
  const long available = number(status, "availableReplicas");
  if (available < wanted) return {Health::moving, pods(available, wanted, "are available")};
  return {};
}

State state_of(const json& object) {
  using Look = State (*)(const json& spec, const json& status);
  static const std::vector<std::pair<const char*, Look>> kLooks = {{"Deployment", of_deployment},
                                                                   {"StatefulSet", of_stateful_set},
                                                                   {"DaemonSet", of_daemon_set},
                                                                   {"ReplicaSet", of_replica_set},
                                                                   {"Job", of_job},
                                                                   {"Pod", of_pod}};
  const std::string kind = text(object, "kind");
  const auto look = std::find_if(kLooks.begin(), kLooks.end(), [&](const auto& row) { return kind == row.first; });
  if (look == kLooks.end()) return {};
  const json status = part(object, "status");
  const json metadata = part(object, "metadata");
  // A Job's and a Pod's controller keep no count of what they have seen.
  if (status.contains("observedGeneration") && number(status, "observedGeneration") < number(metadata, "generation"))
    return {Health::moving, "was not seen by its controller yet"};
  if (kind != "Job" && kind != "Pod" && !status.contains("observedGeneration"))
    return {Health::moving, "was not seen by its controller yet"};
  return look->second(part(object, "spec"), status);
}

json parse(const std::string& answer) {
  if (base::trim(answer).empty()) return json::array();
  json parsed = json::parse(answer, nullptr, false);
  if (parsed.is_object() && parsed.contains("items") && parsed["items"].is_array()) return parsed["items"];
  if (parsed.is_object() && parsed.contains("kind")) return json::array({std::move(parsed)});
  throw base::Error(base::Kind::child, "kubectl printed what cannot be read");
}

/// Of kind, namespace and name.
std::string identity(const json& object) {
  const json metadata = part(object, "metadata");
  return text(object, "kind") + "/" + text(metadata, "namespace") + "/" + text(metadata, "name");
}

std::string title(const json& object) { return text(object, "kind") + " " + text(part(object, "metadata"), "name"); }

/// Without what the server counts and the controllers write.
json wanted_of(json object) {
  object.erase("status");
  if (auto metadata = object.find("metadata"); metadata != object.end() && metadata->is_object()) {
    for (const char* key : {"managedFields", "generation", "resourceVersion", "uid", "creationTimestamp", "selfLink"})
      metadata->erase(key);
  }
  return object;
}

/// "/spec/template/spec/containers/0/image" as people write it.
std::string dotted(std::string pointer) {
  std::replace(pointer.begin(), pointer.end(), '/', '.');
  return pointer.empty() ? pointer : pointer.substr(1);
}

}  // namespace

std::vector<Live> parse_live(const std::string& answer) {
  std::vector<Live> out;
  try {
    for (const auto& object : parse(answer)) {
      const json metadata = part(object, "metadata");
      Live live{text(object, "kind"), text(metadata, "namespace"), text(metadata, "name"), text(metadata, "uid")};
      live.is_hook = part(metadata, "annotations").contains("helm.sh/hook");
      const json spec = part(object, "spec");
      if (spec.contains("replicas")) live.replicas = number(spec, "replicas");
      const State state = state_of(object);
      live.health = state.health;
      if (!state.why.empty()) live.story = live.kind + " " + live.name + ": " + state.why;
      out.push_back(std::move(live));
    }
  } catch (const json::exception& e) {
    throw base::Error(base::Kind::child, std::string("kubectl printed what cannot be read: ") + e.what());
  }
  return out;
}

const Live* find(const std::vector<Live>& live, const Object& wanted) {
  const auto found = std::find_if(live.begin(), live.end(), [&](const Live& one) {
    return one.kind == wanted.kind && one.name == wanted.name &&
           (one.namespace_.empty() || one.namespace_ == wanted.namespace_);
  });
  return found == live.end() ? nullptr : &*found;
}

Verdict judge(const std::vector<Object>& wanted, const std::vector<Live>& live) {
  Verdict verdict;
  for (const auto& object : wanted) {
    const Live* one = find(live, object);
    // A Job may have a time to live, and be gone when it has ended.
    if (one == nullptr && object.kind == "Job") continue;
    const Health health = one == nullptr ? Health::failed : one->health;
    if (health == Health::well) continue;
    verdict.stories.push_back(one == nullptr ? object.title() + " is not there" : one->story);
    if (verdict.health != Health::failed) verdict.health = health;
  }
  return verdict;
}

std::vector<std::string> differences(const std::string& live, const std::string& applied) {
  std::vector<std::string> out;
  try {
    const json there = parse(live);
    for (const auto& wanted : parse(applied)) {
      const auto found =
          std::find_if(there.begin(), there.end(), [&](const json& one) { return identity(one) == identity(wanted); });
      const std::string kind = text(wanted, "kind");
      if (found == there.end()) {
        if (kind != "Job" && kind != "Pod") out.push_back(title(wanted) + " is not there");
        continue;
      }
      std::vector<std::string> fields;
      for (const auto& change : json::diff(wanted_of(*found), wanted_of(wanted))) {
        const std::string field = text(change, "path");
        if (field != "/spec/replicas" || number(part(*found, "spec"), "replicas") == 0) fields.push_back(dotted(field));
      }
      if (!fields.empty()) out.push_back(title(wanted) + ": " + base::join(fields, ", "));
    }
  } catch (const json::exception& e) {
    throw base::Error(base::Kind::child, std::string("kubectl printed what cannot be read: ") + e.what());
  }
  return out;
}

}  // namespace wrktalk::deploy::kube
