// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/fd.hpp"

#include <optional>
#include <string>
#include <sys/types.h>

/// Whether anybody but root and this user could change what a path leads to, as ssh and sudo ask before they believe a file. A setting, a
/// program or a folder that somebody else can exchange makes that somebody the agent's user.
namespace wrktalk::base {

struct Distrust {
  std::string why;     ///< "/srv/shop is writable by everybody"
  std::string remedy;  ///< one sentence for the operator: "run chmod o-w /srv/shop"
};

/// Looks at every folder and link on the way to `path` and at what lies there: each must belong to root or to this user, and no other
/// user may write to it. In a sticky folder names count as their owner's, and links are not followed. What does not exist cannot be distrusted.
/// Nothing: all is well.
///
/// Whether a group has other members is read from /etc/passwd and /etc/group, never asked of a name server. What lies on a mount that is
/// read-only here cannot be changed here. In a pod, which Kubernetes names in our environment, a volume of root's is the pod's own:
/// fsGroup and the modes of emptyDir, ConfigMaps and Secrets are as they must be.
std::optional<Distrust> distrust(const std::string& path);

/// Throws Error(configuration): "WHAT is not safe to use: WHY".
void require_trusted(const std::string& path, const std::string& what);

/// The same for a program of a setting: one without a slash is looked up in PATH, which whoever starts us answers for.
void require_trusted_program(const std::string& program);

/// Whether another user may read the file at `path`, as libpq judges a key: root's may be read by its group. Never in a pod.
bool is_read_by_others(const std::string& path);

/// A folder of this user's that nobody else can write to, opened without following a link; made with `mode` when it is not there. `name` is
/// looked up in the open folder `parent`, or AT_FDCWD; `path` is what messages call it. In a pod its group may write (fsGroup).
/// Throws Error(configuration).
Fd open_own_folder(int parent, const std::string& name, const std::string& path, mode_t mode);

}  // namespace wrktalk::base
