// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/deploy/deployer.hpp"
#include "core/deploy/helm_args.hpp"

#include <optional>
#include <string>
#include <vector>

/// What helm says and what it means. Pure.
namespace wrktalk::deploy::helm {

struct Revision {
  long number = 0;
  std::string status;  ///< "deployed", "superseded", "failed", "pending-upgrade", ...
  std::string description;
  std::string chart{};        ///< "demo-1.2.0": the chart's name and version
  std::string app_version{};  ///< the chart's appVersion, may be empty

  bool is_pending() const noexcept { return status.compare(0, 8, "pending-") == 0; }
  bool is_under_way() const noexcept { return is_pending() || status == "uninstalling"; }
  /// It was once whole, so that a rollback may go to it.
  bool is_good() const noexcept { return status == "deployed" || status == "superseded"; }
};
using History = std::vector<Revision>;  ///< oldest first, as helm prints it

/// Whether there is a release: some revision, and not uninstalled.
bool is_there(const History& history);

std::optional<Version> parse_version(const std::string& text);  ///< "v4.1.4+g05fa379"
/// Throws Error(child) when it is not what helm prints.
History parse_history(const std::string& text);
/// What `upgrade --output json` printed; nothing when it is something else. The manifest in it is not kept.
std::optional<Revision> parse_upgrade(const std::string& text);

/// A revision as helm keeps it.
struct Stored {
  std::string objects;  ///< its manifest, YAML
  bool is_server_side =
      false;  ///< helm applies it on the server (Helm 4); only then may it take fields that others own
};

/// What `status --revision --output json` printed; empty when it is something else.
Stored parse_stored(const std::string& text);

const Revision* find(const History& history, long number);
/// The newest revision that runs, or else was whole once, older than `before`.
const Revision* newest_good(const History& history, std::optional<long> before = {});
/// The version that a revision holds, looked up through rollbacks to where its description names it.
std::optional<std::string> version_of(const History& history, long number);

/// The newest good revision of `version`, `recorded` when that is one. A revision that wrktalk made says its version; one that others
/// made is taken for it by its chart's version or appVersion.
const Revision* held(const History& history, const std::string& version, std::optional<long> recorded);

/// Where a revision that a rollback made, or is about to make, comes from.
std::optional<long> origin_of(const Revision& revision);
/// Whether `number` is `origin`, or rollbacks led from that to it.
bool comes_from(const History& history, long number, long origin);

/// The newest revision's number as Before::way_back keeps it, and read back; 0 when it cannot be read.
std::string newest_note(const History& history);
long noted_newest(const std::string& note);

/// What an upgrade or rollback that failed left behind.
StepError::Left left_behind(const History& before, const History& after, const std::string& stderr_text);

/// Whether a revision that was once whole is not what its label says: `helm upgrade` hands the labels of the revision before on to the next,
/// so that one which somebody makes by hand carries the label of a task, but not the description that a task gives.
bool has_inherited_label(const Revision& revision);

/// Whether helm refused because somebody else's operation is under way or came first.
bool met_another(const std::string& stderr_text);

/// Whether a rollback failed over helm's own record, which it has changed by now: the next one may go well.
bool is_worth_again(const std::string& stderr_text);
/// Whether helm applied everything and then waited in vain.
bool waited_in_vain(const std::string& stderr_text);

/// The part of stderr that says why, on one line, bounded: of a long one its beginning and its end.
std::string reason(const std::string& stderr_text);
/// What an operator can do about it; empty when that is not known.
std::string hint(const std::string& stderr_text, const std::string& namespace_);

}  // namespace wrktalk::deploy::helm
