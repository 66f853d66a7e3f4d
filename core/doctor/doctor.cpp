// SPDX-License-Identifier: Apache-2.0
#include "core/doctor/doctor.hpp"

#include "core/base/error.hpp"
#include "core/base/nearest.hpp"
#include "core/base/text.hpp"
#include "core/doctor/check.hpp"

#include <algorithm>

namespace wrktalk::doctor {
namespace {

using base::Deadline;
using base::Error;
using base::Kind;

struct Check {
  CheckName name;
  void (*run)(const Look& look);
};

constexpr Check kChecks[] = {
    {{"settings", "unknown or contradictory settings, files that others may read or change"}, check_settings},
    {{"vault", "whether Vault lends the database's credentials, when it is used"}, check_vault},
    {{"database", "version, encryption, encoding, collations, time limits, connections, clock, pooler"},
     check_database},
    {{"schema", "whether the agent's tables are there and new enough"}, check_schema},
    {{"rights", "what the agent's role may not do, and what others may"}, check_rights},
    {{"checkpoints", "the database of the checkpoint tables"}, check_checkpoints},
    {{"tools", "programs and their versions: helm, kubectl, docker, compose, pg_dump, skopeo"}, check_tools},
    {{"targets", "whether each target answers, what runs there, and the rights in the cluster"}, check_targets},
    {{"disk", "free space, and whether secrets stay in memory"}, check_disk},
    {{"maintenance", "proxies, flag file, windows that should be over, what the site answers"}, check_maintenance},
    {{"mail", "the mail server up to the login, and the admins"}, check_mail},
    {{"webhook", "whether the webhook's server answers"}, check_webhook},
    {{"backups", "the age of the newest backup, with --backup-dir"}, check_backups},
    {{"queue", "tasks that nobody runs, agents that are silent, notifications that are not delivered"}, check_queue},
};

/// A check that takes too long ends.
class Limit : public base::Pulse {
 public:
  Limit(base::Pulse& inner, std::chrono::milliseconds limit)
      : inner_(inner), limit_(limit), end_(Deadline::in(limit)) {}

  Deadline watch(std::vector<pollfd>& fds) override { return base::sooner(end_, inner_.watch(fds)); }
  void tick() override {
    inner_.tick();
    if (end_.passed()) throw Error(Kind::failed, "no answer within " + base::human_duration(limit_));
  }

 private:
  base::Pulse& inner_;
  std::chrono::milliseconds limit_;
  Deadline end_;
};

bool ends_us(Kind kind) { return kind == Kind::interrupted || kind == Kind::terminated; }

void refuse_unknown(const std::vector<std::string>& only) {
  std::vector<std::string> known;
  for (const auto& check : kChecks) known.emplace_back(check.name.name);
  for (const auto& name : only) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    const auto meant = base::nearest(name, known);
    throw Error(Kind::usage, "there is no check '" + base::one_line(name) + "'",
                meant ? "did you mean '" + *meant + "'?" : "use one of " + base::join(known, ", "));
  }
}

}  // namespace

const char* to_text(Severity severity) noexcept {
  switch (severity) {
    case Severity::good: return "ok";
    case Severity::note: return "note";
    case Severity::warning: return "warning";
    case Severity::error: return "error";
  }
  return "error";
}

std::vector<CheckName> checks() {
  std::vector<CheckName> names;
  for (const auto& check : kChecks) names.push_back(check.name);
  return names;
}

std::vector<Finding> examine(const Site& site, const Options& options, base::Pulse& pulse,
                             const std::function<void(const Finding&)>& tell) {
  refuse_unknown(options.only);
  std::vector<Finding> findings;
  const auto add = [&](Finding finding) {
    finding.text = base::one_line(finding.text);
    tell(finding);
    findings.push_back(std::move(finding));
  };
  for (const auto& check : kChecks) {
    const std::string name = check.name.name;
    const auto& only = options.only;
    if (!only.empty() && std::find(only.begin(), only.end(), name) == only.end()) continue;
    Limit limited(pulse, options.limit);
    try {
      check.run(Look(site, name, limited, add));
    } catch (const Error& e) {
      if (ends_us(e.kind())) throw;
      add({name, Severity::error, e.what(), e.hint()});
    } catch (const std::exception& e) {
      add({name, Severity::error, std::string("unexpected: ") + e.what(), {}});
    }
    pulse.tick();
  }
  return findings;
}

Severity worst(const std::vector<Finding>& findings) noexcept {
  Severity worst = Severity::good;
  for (const auto& finding : findings) worst = std::max(worst, finding.severity);
  return worst;
}

}  // namespace wrktalk::doctor
