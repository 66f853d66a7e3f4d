// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/helm_args.hpp"

#include "core/base/text.hpp"

namespace wrktalk::deploy::helm {
namespace {

Args about(const Subject& subject, Args words) {
  words.insert(words.begin(), subject.bin);
  words.insert(words.end(), {"--namespace", subject.namespace_});
  return words;
}

void add(Args& args, std::initializer_list<std::string> more) { args.insert(args.end(), more); }

void add_values(Args& args, const Upgrade& upgrade) {
  if (upgrade.reset_values) add(args, {"--reset-values"});
  for (const auto& file : upgrade.values_files) add(args, {"--values", file});
}

}  // namespace

Args version_args(const std::string& bin) { return {bin, "version", "--short"}; }

Args upgrade_args(const Subject& subject, const Upgrade& upgrade) {
  Args args = about(subject, {"upgrade", "--install", subject.release, upgrade.chart});
  if (upgrade.create_namespace) add(args, {"--create-namespace"});
  add(args, {"--timeout", base::go_duration(upgrade.timeout)});
  if (upgrade.undo) add(args, {subject.version.major >= 4 ? "--rollback-on-failure" : "--atomic"});
  if (upgrade.take_fields) add(args, {"--force-conflicts"});
  add(args, {"--wait", "--output", "json"});
  add(args, {"--labels", "wrktalk-task=" + upgrade.task_id, "--description", "wrktalk " + upgrade.wrktalk_version});
  add_values(args, upgrade);
  return args;
}

Args render_args(const Subject& subject, const Upgrade& upgrade) {
  // The verb comes late: whoever looks for a running `helm upgrade` finds none here.
  Args args = {subject.bin, "--namespace",   subject.namespace_, "upgrade",  "--dry-run=server",
               "--install", subject.release, upgrade.chart,      "--output", "json"};
  add_values(args, upgrade);
  return args;
}

Args template_args(const Subject& subject, const Upgrade& upgrade) {
  Args args = about(subject, {"template", subject.release, upgrade.chart});
  for (const auto& file : upgrade.values_files) add(args, {"--values", file});
  return args;
}

Args show_args(const Subject& subject, const std::string& what, const std::string& chart) {
  return {subject.bin, "show", what, chart};
}

Args crds_args(const Subject& subject, const Upgrade& upgrade) { return {subject.bin, "show", "crds", upgrade.chart}; }

Args rollback_args(const Subject& subject, long revision, std::chrono::milliseconds timeout, bool take_fields) {
  Args args = about(subject, {"rollback", subject.release, std::to_string(revision), "--wait", "--timeout",
                              base::go_duration(timeout)});
  if (take_fields) add(args, {"--force-conflicts"});
  return args;
}

Args uninstall_args(const Subject& subject, std::chrono::milliseconds timeout) {
  return about(subject, {"uninstall", subject.release, "--wait", "--timeout", base::go_duration(timeout)});
}

Args history_args(const Subject& subject) { return about(subject, {"history", subject.release, "--output", "json"}); }

Args status_args(const Subject& subject, long revision) {
  return about(subject, {"status", subject.release, "--revision", std::to_string(revision), "--output", "json"});
}

Args hooks_args(const Subject& subject, long revision) {
  return about(subject, {"get", "hooks", subject.release, "--revision", std::to_string(revision)});
}

Args task_label_args(const Subject& subject, long revision) {
  return about(subject, {"get", "all", subject.release, "--revision", std::to_string(revision), "--template",
                         R"({{index .Release.Labels "wrktalk-task"}})"});
}

}  // namespace wrktalk::deploy::helm
