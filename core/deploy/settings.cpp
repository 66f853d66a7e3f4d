// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/settings.hpp"

namespace wrktalk::deploy {
namespace {

using namespace settings;

constexpr long kTick = 100;
constexpr Choices<bool, 2> kHelmFields = {{{"take", true}, {"leave", false}}};
constexpr Choices<bool, 2> kHelmCrds = {{{"leave", false}, {"apply", true}}};

// clang-format off
constexpr Field<Settings> kFields[] = {
    {{"kubernetes.namespace", "WRKTALK_AGENT_KUBE_NAMESPACE", "", "--namespace", "wrktalk", Form::value, "Namespace of the Helm release"},
     text<&Settings::kube_namespace>},
    {{"kubernetes.helm_release_name", "WRKTALK_AGENT_HELM_RELEASE_NAME", "", "--helm-release-name", "wrktalk", Form::value, "Name of the Helm release"},
     text<&Settings::helm_release>},
    {{"kubernetes.helm_timeout", "WRKTALK_AGENT_HELM_TIMEOUT", "", "--helm-timeout", "10m", Form::value, "Limit of one helm operation"},
     duration<&Settings::helm_timeout, kTick>},
    {{"kubernetes.helm_bin", "WRKTALK_AGENT_HELM_BIN", "", "--helm-bin", "helm", Form::value, "Helm's program, 3 or 4"},
     program<&Settings::helm_bin>},
    {{"kubernetes.kubectl_bin", "WRKTALK_AGENT_KUBECTL_BIN", "", "--kubectl-bin", "kubectl", Form::value, "kubectl's program, which looks at what runs; nothing is looked at without it"},
     program<&Settings::kubectl_bin>},
    {{"kubernetes.helm_fields", "WRKTALK_AGENT_HELM_FIELDS", "", "--helm-fields", "take", Form::value, "What to do with fields of a chart's objects that others have set since (replicas under an autoscaler): take them for what the chart says, or leave them"},
     choice<&Settings::helm_takes_fields, kHelmFields>},
    {{"kubernetes.helm_crds", "WRKTALK_AGENT_HELM_CRDS", "", "--helm-crds", "leave", Form::value, "What to do with definitions of custom resources that a chart brings and the cluster has otherwise: leave them as helm does, or apply them before the upgrade"},
     choice<&Settings::helm_updates_crds, kHelmCrds>},

    {{"docker.compose_project_name", "WRKTALK_AGENT_COMPOSE_PROJECT_NAME", "", "--compose-project-name", "wrktalk", Form::value, "Compose project"},
     text<&Settings::compose_project>},
    {{"docker.compose_working_dir", "WRKTALK_AGENT_COMPOSE_WORKING_DIR", "", "--compose-working-dir", "/tmp/wrktalk", Form::value, "Where compose releases are kept"},
     path<&Settings::compose_working_dir>},
    {{"docker.compose_timeout", "WRKTALK_AGENT_COMPOSE_TIMEOUT", "", "--compose-timeout", "10m", Form::value, "Limit of one compose operation"},
     duration<&Settings::compose_timeout, kTick>},
    {{"docker.compose_settle", "WRKTALK_AGENT_COMPOSE_SETTLE", "", "--compose-settle", "10s", Form::value, "How long containers must run without a restart before a release counts as well"},
     duration<&Settings::compose_settle, 0>},
    {{"docker.compose_bin", "WRKTALK_AGENT_COMPOSE_BIN", "", "--compose-bin", "", Form::value, "Compose's program; when empty docker compose, else docker-compose"},
     program<&Settings::compose_bin>},

    {{"host.root", "WRKTALK_AGENT_HOST_ROOT", "", "--host-root", "/var/lib/wrktalk", Form::value, "Folder of releases/ and of the link current"},
     path<&Settings::host_root>},
    {{"host.activate", "WRKTALK_AGENT_HOST_ACTIVATE", "", "--host-activate", "", Form::value, "Program that makes a release the running one"},
     program<&Settings::host_activate>},
    {{"host.health", "WRKTALK_AGENT_HOST_HEALTH", "", "--host-health", "", Form::value, "Program that exits 0 when the release is well"},
     program<&Settings::host_health>},
    {{"host.timeout", "WRKTALK_AGENT_HOST_TIMEOUT", "", "--host-timeout", "10m", Form::value, "Limit of each of the two programs"},
     duration<&Settings::host_timeout, kTick>},
    {{"host.health_timeout", "WRKTALK_AGENT_HOST_HEALTH_TIMEOUT", "", "--host-health-timeout", "60s", Form::value, "How long the health program may take to exit 0, tried again and again; host.timeout limits it, too"},
     duration<&Settings::host_health_timeout, kTick>},
};
// clang-format on

}  // namespace

settings::Fields<Settings> setting_fields() noexcept { return kFields; }

}  // namespace wrktalk::deploy
