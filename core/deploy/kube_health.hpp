// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/deploy/kube_objects.hpp"

#include <optional>
#include <string>
#include <vector>

/// What the API server says of objects: whether they run as they should, and in what they differ from a manifest. Pure.
namespace wrktalk::deploy::kube {

enum class Health {
  well,    ///< what is wanted of it runs, or has run to its end
  moving,  ///< not yet, and it may still become well
  failed,  ///< it will not become well by itself
};

/// One object as `kubectl get --output json` shows it.
struct Live {
  std::string kind;
  std::string namespace_;
  std::string name;
  std::string uid;
  bool is_hook = false;  ///< it carries helm's annotation
  Health health = Health::well;
  std::optional<long> replicas{};  ///< how many pods are wanted, of what has such a number
  std::string story{};             ///< not well: "Deployment web: 1 of 3 pods run what is wanted", one line
};

/// The objects in kubectl's answer; none when it is empty. Throws Error(child) when it is something else.
///
/// Deployments, StatefulSets and DaemonSets are well when their controller has seen what is wanted, each of their pods is of that and is
/// available (as `kubectl rollout status` has it); those that are paused, and what is left for somebody to delete (`OnDelete`), count by what
/// runs. Jobs are well when they are complete, or suspended. Everything else is well.
std::vector<Live> parse_live(const std::string& answer);

/// The one that `wanted` names; nothing when it is not there.
const Live* find(const std::vector<Live>& live, const Object& wanted);

/// Of each `wanted` object that is not well its story, "Deployment web is not there" among them; `health` is the worst of them.
struct Verdict {
  Health health = Health::well;
  std::vector<std::string> stories;
};
Verdict judge(const std::vector<Object>& wanted, const std::vector<Live>& live);

/// What a server-side apply would change in the objects that are there: `live` as kubectl gets them, `applied` as a dry run of the apply
/// shows them. A line each: "Deployment web: spec.replicas", "ConfigMap a is not there". A Job or Pod that is not there is none: it has ended
/// and was removed. How many pods there are is no difference as long as there are some: somebody, or an autoscaler, has scaled them.
/// No value is part of it: it may be a secret. Throws Error(child) for what is not kubectl's answer.
std::vector<std::string> differences(const std::string& live, const std::string& applied);

}  // namespace wrktalk::deploy::kube
