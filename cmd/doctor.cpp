// SPDX-License-Identifier: Apache-2.0
#include "core/doctor/doctor.hpp"

#include "cmd/app.hpp"
#include "cmd/terminal.hpp"
#include "core/base/files.hpp"
#include "core/base/text.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <iostream>
#include <unistd.h>

namespace wrktalk::cmd {
namespace {

using base::ExitCode;
using doctor::Finding;
using doctor::Severity;
using nlohmann::ordered_json;

struct DoctorOptions {
  std::vector<std::string> only;
  std::string limit = "10s";
  std::string backup_dir;
  bool strict = false;
};

const char* color_of(Severity severity) {
  switch (severity) {
    case Severity::good: return "\x1b[32m";
    case Severity::note: return "\x1b[36m";
    case Severity::warning: return "\x1b[33m";
    case Severity::error: return "\x1b[31m";
  }
  return "";
}

/// "warning  database     ...", its hint in a line below.
void print(const Finding& finding, bool color) {
  std::string severity = doctor::to_text(finding.severity);
  severity.resize(9, ' ');
  std::string check = finding.check;
  check.resize(13, ' ');
  std::cout << (color ? color_of(finding.severity) : "") << severity << (color ? "\x1b[0m" : "") << check
            << finding.text << '\n';
  if (!finding.hint.empty() && finding.severity != Severity::good)
    std::cout << std::string(22, ' ') << finding.hint << '\n';
  std::cout << std::flush;
}

std::size_t count(const std::vector<Finding>& findings, Severity severity) {
  return static_cast<std::size_t>(std::count_if(findings.begin(), findings.end(),
                                                [&](const auto& finding) { return finding.severity == severity; }));
}

ordered_json to_json(const std::vector<Finding>& findings) {
  ordered_json document;
  document["worst"] = doctor::to_text(doctor::worst(findings));
  document["errors"] = count(findings, Severity::error);
  document["warnings"] = count(findings, Severity::warning);
  document["findings"] = ordered_json::array();
  for (const auto& one : findings) {
    document["findings"].push_back({{"check", one.check},
                                    {"severity", doctor::to_text(one.severity)},
                                    {"text", one.text},
                                    {"hint", one.hint.empty() ? ordered_json() : ordered_json(one.hint)}});
  }
  return document;
}

std::vector<std::string> texts_of(const std::vector<Remark>& remarks) {
  std::vector<std::string> texts;
  for (const auto& remark : remarks) texts.push_back(remark.text);
  return texts;
}

ExitCode run_doctor(const DoctorOptions& options, Env& env) {
  const doctor::Site site{env.settings.agent, agent_database(env, "doctor"), checkpoint_database(env, "doctor"),
                          texts_of(env.remarks), options.backup_dir.empty() ? "" : base::absolute(options.backup_dir)};
  const bool text = env.output == Output::text;
  const bool color = wants_color(STDOUT_FILENO, env.no_color);
  SignalPulse pulse(env.signals);
  const auto findings =
      doctor::examine(site, {options.only, base::parse_duration(options.limit)}, pulse, [&](const Finding& finding) {
        if (text) print(finding, color);
      });
  if (text) {
    const auto counted = [&](Severity severity, const char* word) {
      const std::size_t n = count(findings, severity);
      return std::to_string(n) + " " + word + (n == 1 ? "" : "s");
    };
    std::cout << counted(Severity::error, "error") << ", " << counted(Severity::warning, "warning") << '\n';
  } else {
    print_json(to_json(findings));
  }
  const Severity limit = options.strict ? Severity::warning : Severity::error;
  return doctor::worst(findings) >= limit ? ExitCode::difference : ExitCode::done;
}

std::string names_of_checks() {
  std::vector<std::string> names;
  for (const auto& check : doctor::checks()) names.emplace_back(check.name);
  return base::join(names, ", ");
}

}  // namespace

void add_doctor(CLI::App& app, Selected& chosen) {
  auto options = std::make_shared<DoctorOptions>();
  auto* sub = app.add_subcommand("doctor", "Check all that this set-up needs; changes nothing")->group("Set-up");
  sub->add_option("--only", options->only, "These checks, with commas: " + names_of_checks())
      ->delimiter(',')
      ->type_name("CHECK");
  sub->add_option("--limit", options->limit, "How long each check may take")
      ->type_name("DURATION")
      ->capture_default_str();
  sub->add_option("--backup-dir", options->backup_dir, "Look at the age of the newest backup there")->type_name("DIR");
  sub->add_flag("--strict", options->strict, "Warnings count as errors");
  sub->footer(footer(
      {"wrktalk doctor", "wrktalk doctor --only database,rights", "wrktalk doctor --backup-dir /var/backups/wrktalk",
       "wrktalk doctor -o json | jq -r '.findings[] | select(.severity == \"error\") | .text'"},
      {ExitCode::done, ExitCode::usage, ExitCode::difference, ExitCode::configuration}));
  sub->callback([options, &chosen] {
    chosen = {"doctor", [options](Env& env) { return run_doctor(*options, env); }};
    chosen.examines = true;
  });
}

}  // namespace wrktalk::cmd
