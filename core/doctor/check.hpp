// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/pulse.hpp"
#include "core/db/session.hpp"
#include "core/doctor/doctor.hpp"

#include <memory>
#include <optional>
#include <string>

namespace wrktalk::doctor {

/// What a check works with.
class Look {
 public:
  Look(const Site& site, std::string check, base::Pulse& pulse, std::function<void(Finding)> add)
      : site_(site), check_(std::move(check)), pulse_(pulse), add_(std::move(add)) {}

  const Site& site() const noexcept { return site_; }
  /// Ends the check when its time is over.
  base::Pulse& pulse() const noexcept { return pulse_; }

  void good(const std::string& text) const { add_({check_, Severity::good, text, {}}); }
  void note(const std::string& text, const std::string& hint = {}) const { add_({check_, Severity::note, text, hint}); }
  void warn(const std::string& text, const std::string& hint = {}) const {
    add_({check_, Severity::warning, text, hint});
  }
  void fail(const std::string& text, const std::string& hint = {}) const {
    add_({check_, Severity::error, text, hint});
  }

 private:
  const Site& site_;
  std::string check_;
  base::Pulse& pulse_;
  std::function<void(Finding)> add_;
};

// One check each. What they throw is told as an error.

void check_settings(const Look& look);
void check_database(const Look& look);
void check_schema(const Look& look);
void check_rights(const Look& look);
void check_checkpoints(const Look& look);
void check_tools(const Look& look);
void check_targets(const Look& look);
void check_disk(const Look& look);
void check_maintenance(const Look& look);
void check_mail(const Look& look);
void check_webhook(const Look& look);
void check_vault(const Look& look);
void check_backups(const Look& look);
void check_queue(const Look& look);

}  // namespace wrktalk::doctor
