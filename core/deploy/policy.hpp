// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/settings/fields.hpp"

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

/// What the operator lets a release do to the machine or the cluster beyond running its own containers.
namespace wrktalk::deploy::policy {

enum class Rule {
  privileged,
  host_namespaces,
  capabilities,
  devices,
  engine_socket,
  host_paths,
  host_programs,
  builds,
  unpinned_images,
  foreign_images,
  cluster_roles,
  webhooks,
  crds,
  cluster_objects,
  other_namespaces,
};
constexpr std::size_t kRules = 15;

enum class Action { allow, warn, refuse };
enum class Level { allow, warn, strict };

/// "privileged", "host_namespaces": the setting is `policy.NAME`, its variable WRKTALK_AGENT_POLICY_NAME.
const char* to_text(Rule rule) noexcept;

struct Policy {
  /// Of the level alone: `warn` refuses programs on the agent's machine, and says nothing of images without a digest.
  explicit Policy(Level level = Level::warn);

  Action of(Rule rule) const { return actions[static_cast<std::size_t>(rule)]; }
  void set(Rule rule, Action action) { actions[static_cast<std::size_t>(rule)] = action; }
  bool allows_all(const std::vector<Rule>& rules) const;
  bool refuses_any(const std::vector<Rule>& rules) const;

  std::array<Action, kRules> actions{};
  std::vector<std::string> data_dirs;  ///< absolute; what a release may mount besides its own tree
  /// Where images may come from, "registry.example.org/shop" and all below it, or one image's name; empty: from anywhere.
  std::vector<std::string> image_places;
};

/// The section `policy`.
settings::Fields<Policy> setting_fields() noexcept;

/// One thing that a release would do.
struct Finding {
  Rule rule = Rule::privileged;
  std::string text;  ///< "compose.yml:4: service web is privileged", one line
};
using Findings = std::vector<Finding>;

/// Throws Error(artifact) that names what is refused and the setting that lets it through. Returns what is warned of: the finding's text and
/// its rule in brackets, each once, at most `kMostWarnings` of them.
std::vector<std::string> enforce(const Policy& policy, const Findings& findings);
constexpr std::size_t kMostWarnings = 20;

/// Whether an image's name is `place`, or lies below it: "registry.example.org/shop" holds shop:1 and shop/web, and not shop-evil.
bool is_from(const std::string& image, const std::string& place);

/// What `enforce` warns of, as a story tells it.
std::vector<std::string> told(std::vector<std::string> warnings);

/// What is to be said of an image: without a digest, from elsewhere. `who` begins the sentence: "service web".
void judge_image(const Policy& policy, const std::string& who, const std::string& image, Findings& out);

/// Whether a capability gives more than Pod Security's baseline: in any spelling, "CAP_SYS_ADMIN", "sys_admin", "ALL".
bool is_dangerous_capability(const std::string& name);

/// The engine's or the runtime's socket, by its name.
bool is_engine_socket(const std::string& path);
/// Whether one of them lies below the folder.
bool holds_engine_socket(const std::string& folder);

}  // namespace wrktalk::deploy::policy
