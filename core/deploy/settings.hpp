// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/deploy/policy.hpp"
#include "core/settings/fields.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace wrktalk::deploy {

struct Settings {
  std::string kube_namespace = "wrktalk";  ///< the default target's
  std::string helm_release = "wrktalk";    ///< the default target's
  std::string helm_bin = "helm";
  std::string compose_bin;  ///< empty: "docker compose", else "docker-compose", whichever is there
  std::string kubectl_bin = "kubectl";
  std::chrono::milliseconds helm_timeout{600'000};  ///< of one helm operation; a put-back gets as much again
  std::chrono::milliseconds compose_timeout{600'000};
  std::chrono::milliseconds compose_settle{
      10'000};  ///< so long nothing may have been started anew before a project counts as well
  std::string compose_working_dir = "/tmp/wrktalk";
  std::string compose_project =
      "wrktalk";  ///< the default target's: its trees lie in WORKING_DIR/releases, those of other
                  ///< projects in WORKING_DIR/projects/PROJECT/releases
  std::string host_root = "/var/lib/wrktalk";
  std::string host_activate;  ///< a program, run without a shell; empty: none
  std::string host_health;
  std::chrono::milliseconds host_timeout{600'000};  ///< of each of the two programs
  std::chrono::milliseconds host_health_timeout{
      60'000};                     ///< until the health program exits 0; no longer than `host_timeout`
  bool helm_takes_fields = true;   ///< fields of a chart's objects that others own are taken from them, else left
  bool helm_updates_crds = false;  ///< definitions that a chart brings and the cluster has otherwise are applied
  policy::Policy policy;
  std::vector<std::string>
      passed_environment;  ///< names of our variables that the tools may see besides the built-in list
};

/// The sections `kubernetes`, `docker` and `host`; the policy's are its own.
settings::Fields<Settings> setting_fields() noexcept;

}  // namespace wrktalk::deploy
