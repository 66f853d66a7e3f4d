// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

/// What the pods of a namespace say about how they are. Pure.
namespace wrktalk::deploy::pods {

/// A container that has something to say: its last lines are worth keeping.
struct Container {
  std::string name;
  bool previous = false;  ///< its last words are those of the run before: `kubectl logs --previous`
};

struct Pod {
  std::string name;
  std::string story;  ///< "demo-6c5 is Pending: web is waiting (ImagePullBackOff: ...)"
  std::vector<Container> containers;
};

/// For `kubectl get pods --output`: one line a pod, its name and its status; the specification, whose environment may hold
/// secrets, is left out.
extern const char* const kPodsFormat;

/// Those that are not well: not running, or with a container that is not ready; an ended Job's pod is well.
/// Lines that are not of that format are passed over.
std::vector<Pod> unwell(const std::string& lines);

}  // namespace wrktalk::deploy::pods
