// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

/// What helm is called with. Pure; `bin` comes first.
namespace wrktalk::deploy::helm {

struct Version {
  int major = 0;
  int minor = 0;
};

/// Which helm, and which release it is about.
struct Subject {
  std::string bin;
  Version version;
  std::string namespace_;
  std::string release;
};

struct Upgrade {
  std::string chart;  ///< the folder with Chart.yaml
  std::string wrktalk_version;
  std::string task_id;
  std::vector<std::string> values_files;  ///< the last one counts most
  std::chrono::milliseconds timeout;
  bool create_namespace = false;
  bool undo = true;  ///< helm puts back what fails
  bool take_fields =
      false;  ///< Helm 4, of a release that is applied on the server: fields that others own are taken from them
  bool reset_values = false;  ///< what the last revision was given counts no more
};

using Args = std::vector<std::string>;

Args version_args(const std::string& bin);
Args upgrade_args(const Subject& subject, const Upgrade& upgrade);
/// Prints what the upgrade would apply, and changes nothing. Asked from the cluster; or, for charts that bring the definitions of their own objects
/// and so cannot be, from helm alone.
Args render_args(const Subject& subject, const Upgrade& upgrade);
Args template_args(const Subject& subject, const Upgrade& upgrade);
/// Prints what a chart says of itself, `what` being "chart" (Chart.yaml) or "values" (values.yaml).
Args show_args(const Subject& subject, const std::string& what, const std::string& chart);
/// Prints the definitions of custom resources that the chart and its subcharts bring.
Args crds_args(const Subject& subject, const Upgrade& upgrade);
Args rollback_args(const Subject& subject, long revision, std::chrono::milliseconds timeout, bool take_fields);
Args uninstall_args(const Subject& subject, std::chrono::milliseconds timeout);
Args history_args(const Subject& subject);
/// Print a revision with its manifest as JSON, and the manifests of its hooks.
Args status_args(const Subject& subject, long revision);
Args hooks_args(const Subject& subject, long revision);
/// Prints the label that names the task which made `revision`, and nothing else. Works in Helm 3 and 4, without kubectl.
Args task_label_args(const Subject& subject, long revision);

}  // namespace wrktalk::deploy::helm
