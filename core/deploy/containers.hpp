// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/deadline.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

/// What the containers of a project say about how it is. Pure.
namespace wrktalk::deploy::compose {

/// Which release a container is of, and the task that brought it up: what the labels say that our override file puts on.
struct Identity {
  std::string release;
  std::string task;
  bool operator==(const Identity& other) const { return release == other.release && task == other.task; }
  bool operator!=(const Identity& other) const { return !(*this == other); }
};
constexpr const char* kReleaseLabel = "wrktalk.release";
constexpr const char* kTaskLabel = "wrktalk.task";

struct Container {
  std::string id;
  std::string name;    ///< "demo-web-1"
  std::string status;  ///< "created" | "running" | "paused" | "restarting" | "removing" | "exited" | "dead"
  std::string health;  ///< "starting" | "healthy" | "unhealthy", empty when it has no healthcheck
  int exit_code = 0;
  long restarts = 0;
  std::string started_at;
  std::string error;                ///< why the engine could not start it
  std::vector<std::string> mounts;  ///< sources on this machine
  std::string config_files;         ///< the label that compose puts on: where its file lay
  std::string service{};
  std::string working_dir{};
  std::string environment_files{};  ///< label: those named by --env-file
  std::string image{};              ///< its id
  std::string created_at{};
  std::string restart_policy{};               ///< "no", "always", "unless-stopped" or "on-failure"
  std::chrono::milliseconds start_period{0};  ///< of its healthcheck
  std::optional<Identity> identity{};         ///< nothing when it was not brought up by us, or by an older wrktalk
};
using Containers = std::vector<Container>;

/// For `docker inspect --format`: one JSON object a container, without its environment.
extern const char* const kInspectFormat;
/// Throws Error(child) when it is not what that format prints.
Containers parse_containers(const std::string& lines);

enum class Condition {
  good,      ///< running (and healthy), or a one-shot that ended with 0
  settling,  ///< starting, restarting for the first few times, or ended although the engine is to keep it running
  broken,
};
Condition condition_of(const Container& container);
std::string describe(const Container& container);    ///< "demo-web-1 exited with status 3"
std::string describe(const Containers& containers);  ///< all, joined by ", "
/// Differs when any container was made, removed, started or ended in between.
std::string fingerprint(const Containers& containers);

/// Says when a project has come to rest: all good, and nothing was started, restarted or ended for a while. What is healthy or has ended, and is not
/// to be restarted, is believed at once.
class Settling {
 public:
  explicit Settling(std::chrono::milliseconds rest) : rest_(rest) {}

  /// good: settled well; broken: something is; settling: look again.
  Condition look(const Containers& containers, base::BootClock::time_point now);

 private:
  std::chrono::milliseconds rest_;
  std::string seen_;
  base::BootClock::time_point since_{};
};

/// The identity that all of them have; nothing when they differ or one has none.
std::optional<Identity> identity_of(const Containers& containers);

/// The tree below `releases` that a container was started from, by its label; nothing when it is another place.
std::optional<std::string> tree_of(const Container& container, const std::string& releases);
/// The tree that all of them come from; nothing when there are several or it is another place.
std::optional<std::string> tree_of(const Containers& containers, const std::string& releases);

}  // namespace wrktalk::deploy::compose
