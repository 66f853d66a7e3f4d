// SPDX-License-Identifier: Apache-2.0
#include "core/base/files.hpp"
#include "core/deploy/policy.hpp"

namespace wrktalk::deploy::policy {
namespace {

using namespace settings;

constexpr Choices<Level, 3> kLevels = {{{"allow", Level::allow}, {"warn", Level::warn}, {"strict", Level::strict}}};
constexpr Choices<Action, 3> kActions = {
    {{"allow", Action::allow}, {"warn", Action::warn}, {"refuse", Action::refuse}}};

/// The first row: the rules come after it.
void take_level(Policy& out, const Reader& read, const char* key) { out = Policy(read.choice(key, kLevels)); }

template <Rule Which>
void take_rule(Policy& out, const Reader& read, const char* key) {
  if (!read.text(key).empty()) out.set(Which, read.choice(key, kActions));
}

// clang-format off
constexpr Field<Policy> kFields[] = {
    {{"policy.level", "WRKTALK_AGENT_POLICY", "", "--policy", "warn", Form::value, "What is done about a release that reaches for the machine or the cluster: allow, warn (in the task's story), or strict, which refuses all of it"},
     take_level},
    {{"policy.privileged", "WRKTALK_AGENT_POLICY_PRIVILEGED", "", "", "", Form::value, "Privileged and unconfined containers: allow, warn or refuse; when empty as the level says"},
     take_rule<Rule::privileged>},
    {{"policy.host_namespaces", "WRKTALK_AGENT_POLICY_HOST_NAMESPACES", "", "", "", Form::value, "The host's or another container's namespaces: pid, ipc, network, uts, userns, cgroup: allow, warn or refuse; when empty as the level says"},
     take_rule<Rule::host_namespaces>},
    {{"policy.capabilities", "WRKTALK_AGENT_POLICY_CAPABILITIES", "", "", "", Form::value, "Added capabilities beyond Pod Security's baseline: allow, warn or refuse; when empty as the level says"},
     take_rule<Rule::capabilities>},
    {{"policy.devices", "WRKTALK_AGENT_POLICY_DEVICES", "", "", "", Form::value, "Devices of the machine: allow, warn or refuse; when empty as the level says"},
     take_rule<Rule::devices>},
    {{"policy.engine_socket", "WRKTALK_AGENT_POLICY_ENGINE_SOCKET", "", "", "", Form::value, "The container engine's socket: allow, warn or refuse; when empty as the level says"},
     take_rule<Rule::engine_socket>},
    {{"policy.host_paths", "WRKTALK_AGENT_POLICY_HOST_PATHS", "", "", "", Form::value, "Mounts, secrets, configs and build contexts outside the release and policy.data_dirs: allow, warn or refuse; when empty as the level says"},
     take_rule<Rule::host_paths>},
    {{"policy.host_programs", "WRKTALK_AGENT_POLICY_HOST_PROGRAMS", "", "", "", Form::value, "Programs that compose would start on this machine (provider, models); level warn refuses them: allow, warn or refuse; when empty as the level says"},
     take_rule<Rule::host_programs>},
    {{"policy.builds", "WRKTALK_AGENT_POLICY_BUILDS", "", "", "", Form::value, "Images that are built on this machine, anew at each deployment; level warn refuses them: allow, warn or refuse; when empty as the level says"},
     take_rule<Rule::builds>},
    {{"policy.unpinned_images", "WRKTALK_AGENT_POLICY_UNPINNED_IMAGES", "", "", "", Form::value, "Images without a digest; level warn allows them: allow, warn or refuse; when empty as the level says"},
     take_rule<Rule::unpinned_images>},
    {{"policy.foreign_images", "WRKTALK_AGENT_POLICY_FOREIGN_IMAGES", "", "", "", Form::value, "Images from elsewhere than policy.images names: allow, warn or refuse; when empty as the level says"},
     take_rule<Rule::foreign_images>},
    {{"policy.cluster_roles", "WRKTALK_AGENT_POLICY_CLUSTER_ROLES", "", "", "", Form::value, "ClusterRole and ClusterRoleBinding: allow, warn or refuse; when empty as the level says"},
     take_rule<Rule::cluster_roles>},
    {{"policy.webhooks", "WRKTALK_AGENT_POLICY_WEBHOOKS", "", "", "", Form::value, "Webhooks, admission policies and API services: allow, warn or refuse; when empty as the level says"},
     take_rule<Rule::webhooks>},
    {{"policy.crds", "WRKTALK_AGENT_POLICY_CRDS", "", "", "", Form::value, "Definitions of custom resources: allow, warn or refuse; when empty as the level says"},
     take_rule<Rule::crds>},
    {{"policy.cluster_objects", "WRKTALK_AGENT_POLICY_CLUSTER_OBJECTS", "", "", "", Form::value, "Other objects of the whole cluster: allow, warn or refuse; when empty as the level says"},
     take_rule<Rule::cluster_objects>},
    {{"policy.other_namespaces", "WRKTALK_AGENT_POLICY_OTHER_NAMESPACES", "", "", "", Form::value, "Objects in other namespaces than the release's: allow, warn or refuse; when empty as the level says"},
     take_rule<Rule::other_namespaces>},
    {{"policy.data_dirs", "WRKTALK_AGENT_POLICY_DATA_DIRS", "", "", "", Form::value, "Folders with commas, on this machine or on the nodes, that a release may mount besides its own tree"},
     [](Policy& out, const Reader& read, const char* key) { for (const auto& dir : read.list(key)) out.data_dirs.push_back(base::absolute(dir)); }},
    {{"policy.images", "WRKTALK_AGENT_POLICY_IMAGES", "", "", "", Form::value, "Where images may come from, with commas: registry.example.org/shop and all below it; when empty from anywhere"},
     list<&Policy::image_places>},
};
// clang-format on

}  // namespace

settings::Fields<Policy> setting_fields() noexcept { return kFields; }

}  // namespace wrktalk::deploy::policy
