// SPDX-License-Identifier: Apache-2.0
#include "core/agent/deploy_check.hpp"

#include "core/agent/data_plan.hpp"
#include "core/agent/release_needs.hpp"
#include "core/agent/schema.hpp"
#include "core/agent/secrets.hpp"
#include "core/agent/site.hpp"
#include "core/agent/stored_images.hpp"
#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/log/log.hpp"

#include <algorithm>

namespace wrktalk::agent {
namespace {

using base::Error;
using base::Kind;
using Weight = Finding::Weight;

/// What ends the look itself.
bool ends_us(const Error& e) {
  return e.kind() == Kind::connection_lost || e.kind() == Kind::interrupted || e.kind() == Kind::terminated;
}

class Look {
 public:
  Look(const Settings& settings, const queue::NewTask& task, base::Pulse& pulse)
      : settings_(settings),
        link_(settings.database, Listen::no, settings.credentials),
        task_(task),
        pulse_(pulse),
        target_(deploy::parse_target(task.target)),
        images_(link_),
        site_(settings, target_, {target_.name}),
        deployer_(deploy::make_deployer(target_, settings.deploy, {"deploy_check"}, fence_, {}, &images_)) {}

  DeployCheck all() {
    at([&] { target(); });
    if (!out_.possible()) return std::move(out_);
    at([&] { goal(); });
    if (!out_.goal) return std::move(out_);
    if (task_.type == "deploy") at([&] { way_up(); });
    at([&] { schema(); });
    at([&] { stored(); });
    if (!out_.goal->held_revision && out_.possible()) at([&] { release(); });
    if (out_.goal->held_revision) at([&] { data({}); });
    return std::move(out_);
  }

 private:
  template <typename Act>
  void at(Act act) {
    try {
      act();
    } catch (const Error& e) {
      if (ends_us(e)) throw;
      add(Weight::bad, e.what(), e.hint());
    }
  }

  void add(Weight weight, const std::string& text, const std::string& hint = {}) {
    out_.findings.push_back({weight, text, hint});
  }

  void target() {
    deployer_->check_access(pulse_);
    const auto seen = deployer_->observe(pulse_);
    switch (seen.state) {
      case deploy::Observed::State::pending:
        add(Weight::warning, "another operation is under way: " + seen.detail);
        return;
      case deploy::Observed::State::broken: add(Weight::warning, "what is there is not whole: " + seen.detail); break;
      case deploy::Observed::State::absent:
      case deploy::Observed::State::running: add(Weight::good, "the target answers: " + seen.detail); break;
    }
    if (seen.state == deploy::Observed::State::absent) return;
    const queue::TargetRow row = recorded();
    check_way_back(with_way_back(deployer_->before(pulse_), row), row);
  }

  queue::TargetRow recorded() {
    queue::TargetRow row;
    if (auto found = queue::find_target(link_.session(), task_.target)) row = *found;
    row.name = task_.target;
    row.kind = base::to_text(target_.kind);
    row.chart_type = base::chart_type(target_.kind);
    return row;
  }

  void goal() {
    const queue::TargetRow before = recorded();
    queue::Task task;
    task.type = task_.type;
    task.artifact_id = task_.artifact_id;
    task.payload = queue::to_json(task_.payload);
    out_.goal = find_goal(link_, *deployer_, task, {}, before, pulse_);
    if (out_.goal->held_revision && !task_.payload.target_revision)
      leave_to_site(*out_.goal, site_, site_.now(link_.session()).use, link_.session(), task_.target);
    if (!out_.goal->remark.empty()) add(Weight::warning, out_.goal->remark);
    if (out_.goal->held_revision) {
      add(Weight::good, "the target still holds " + out_.goal->artifact.version + " as revision " +
                            std::to_string(*out_.goal->held_revision) + " and would go back to it");
    } else {
      add(Weight::good, "the stored release " + out_.goal->artifact.version + " would be deployed");
    }
  }

  /// What its manifest asks for and is not there.
  void settings_of(const deploy::Release& release) {
    const auto& artifact = out_.goal->artifact;
    const auto required = manifest_of(artifact).required;
    const auto missing = missing_settings(release, required);
    if (!missing.empty()) {
      add(Weight::bad, missing_settings_text(artifact, missing), kMissingSettingsHint);
    } else if (!required.empty()) {
      add(Weight::good, "every setting that it needs has a value: " + base::join(required, ", "));
    }
  }

  void way_up() {
    const auto& artifact = out_.goal->artifact;
    if (artifact.manifest.empty()) return;
    auto db = link_.raw();
    const auto way = agent::way_up(db, artifact, with_way_back(deployer_->before(pulse_), recorded()), pulse_);
    if (!way.problem.empty()) add(Weight::bad, way.problem, way.hint);
  }

  void schema() {
    const auto& artifact = out_.goal->artifact;
    const auto requirements = requirements_of(artifact);
    if (requirements.empty()) return;
    const std::string problem = schema_problem(link_, settings_.checkpoint_database, artifact, pulse_);
    if (problem.empty()) {
      std::vector<std::string> texts;
      for (const auto& one : requirements) texts.push_back(to_text(one));
      add(Weight::good, "the schema fits: " + base::join(texts, ","));
    } else {
      add(task_.payload.ignore_schema ? Weight::warning : Weight::bad, "the schema does not fit: " + problem,
          kSchemaHint);
    }
  }

  void stored() {
    auto db = link_.raw();
    const auto& artifact = out_.goal->artifact;
    const auto verdict = artifact::verify(db, artifact, settings_.limits, pulse_);
    if (verdict.good()) {
      add(Weight::good, "release " + artifact.version + " is stored whole: " + base::human_size(artifact.size_bytes) +
                            ", sha256 " + artifact.sha256.substr(0, 12));
      return;
    }
    add(out_.goal->held_revision ? Weight::warning : Weight::bad,
        "the stored release " + artifact.version + " is damaged: " + verdict.problem,
        "store it again: wrktalk release add FILE --version " + artifact.version);
  }

  /// What it would do to the application's databases; `tree` is the release's, unpacked.
  void data(const std::string& tree) {
    const auto& artifact = out_.goal->artifact;
    const queue::TargetRow row = recorded();
    auto db = link_.raw();
    std::optional<artifact::Artifact> ran;
    const bool back = goes_back(task_.type == "rollback", artifact.version, row.current_version);
    if (back && row.current_artifact_id) ran = artifact::find(db, *row.current_artifact_id, std::nullopt, pulse_);
    const base::TempDir apart(base::temporary_parent(), "wrktalk-check-", base::TempDir::Holds::no_secrets);
    NamedDatabases databases(settings_);
    const DataQuestion question{artifact, tree, ran, task_.payload.accept_loss, [&](const artifact::Artifact& one) {
                                  const std::string place = apart.path() + "/" + one.id;
                                  if (base::exists(place)) return place;
                                  return artifact::fetch(db, one, place, settings_.limits, pulse_).path();
                                }};
    const auto plan = plan_of(databases, question, pulse_);
    if (!plan.backups.empty())
      add(Weight::good, "a backup would be made of " + base::join(plan.backups, ", ") + " in " + settings_.backups());
    for (const auto& remark : plan.remarks) add(Weight::good, remark);
  }

  void release() {
    const auto& artifact = out_.goal->artifact;
    const base::TempDir folder(base::temporary_parent(), "wrktalk-check-", base::TempDir::Holds::no_secrets);
    const auto secrets = make_secrets_dir(settings_);
    auto db = link_.raw();
    const log::SecretScope hidden(secrets_of(db, artifact.id, {target_.name, artifact.version}, pulse_));
    auto release = release_with_secrets(db, artifact, {}, secrets, pulse_);
    release.update_crds = task_.payload.update_crds;
    add_site(release, secrets.path());
    settings_of(release);
    // Whether a host's tree is whole is told by its digest.
    const bool is_host = target_.kind == deploy::TargetKind::host;
    if (is_host && !manifest_of(artifact).migrations) {
      at([&] { data({}); });
      return;
    }
    const auto tree = artifact::fetch(db, artifact, folder.path() + "/tree", settings_.limits, pulse_);
    at([&] { data(tree.path()); });
    if (is_host) return;
    release.tree = tree.path();
    release.keep = manifest_of(artifact).keep;
    const auto warnings = deployer_->check(release, pulse_);
    for (const auto& warning : warnings) add(Weight::warning, warning);
    if (warnings.empty()) add(Weight::good, "the policy has nothing against it");
    for (const auto& remark : deployer_->preview(release, pulse_)) add(Weight::warning, remark);
    if (auto* inventory = deployer_->images()) images(*inventory, release);
  }

  void add_site(deploy::Release& release, const std::string& folder) {
    const auto now = site_.now(link_.session());
    auto use = now.use;
    // Reading it again says why it cannot be used.
    if (!now.is_certain) use.file_sha256 = "";
    const auto remarks = site_.add_to(release, use, folder, "site", link_.session(), pulse_);
    if (!release.resets_values) release.resets_values = site::was_used(link_.session(), task_.target);
    for (const auto& remark : remarks) add(Weight::warning, remark);
    if (!use.revision && !use.file_sha256) return;
    std::vector<std::string> parts;
    if (use.revision) parts.push_back("revision " + std::to_string(*use.revision) + " of the site's settings");
    if (use.file_sha256) parts.emplace_back("the site's file");
    add(Weight::good, "with " + base::join(parts, " and "));
  }

  void images(deploy::ImageInventory& inventory, const deploy::Release& release) {
    const auto missing = inventory.to_pull(release, pulse_);
    const auto loaded = inventory.to_load(release, pulse_);
    if (!loaded.empty()) {
      add(Weight::good, "the engine lacks " + base::join(loaded, ", ") + ": " +
                            (loaded.size() == 1 ? "it is" : "they are") + " loaded from the release");
    }
    if (missing.empty() && loaded.empty()) {
      add(Weight::good, "the engine has every image of it");
    } else if (!missing.empty()) {
      add(Weight::warning, "the engine would have to pull " + base::join(missing, ", "),
          "pull them before: docker pull");
    }
  }

  const Settings& settings_;
  DatabaseLink link_;
  const queue::NewTask& task_;
  base::Pulse& pulse_;
  deploy::Target target_;
  exec::Fence fence_;
  StoredImages images_;
  Site site_;
  std::unique_ptr<deploy::Deployer> deployer_;
  DeployCheck out_;
};

}  // namespace

bool DeployCheck::possible() const noexcept {
  return std::none_of(findings.begin(), findings.end(),
                      [](const auto& finding) { return finding.weight == Weight::bad; });
}

DeployCheck check_deploy(const Settings& settings, const queue::NewTask& task, base::Pulse& pulse) {
  return Look(settings, task, pulse).all();
}

}  // namespace wrktalk::agent
