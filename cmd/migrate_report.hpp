// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/migrate/runner.hpp"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <vector>

namespace wrktalk::cmd {

/// The lines of a migration as operators know them from the Job's log, on stdout, each as soon as it is true. Silent when
/// `shown` is false. Waiting and retrying go to the log.
class MigrateReport : public migrate::Observer {
 public:
  explicit MigrateReport(bool shown) : shown_(shown) {}

  /// What was done so far.
  const std::vector<migrate::Done>& all() const noexcept { return all_; }

  void connecting(bool from_vault);
  void connected(const db::raw::Connection& connection);
  /// After the run: what was skipped, and whether the tables are as they must be.
  void finished(const migrate::Set& set, const migrate::UpResult& result);

  void checking() override;
  void waiting(const std::string& holder) override;
  void applying(const migrate::Migration& migration) override;
  void undoing(const migrate::Migration& migration) override;
  void adopting(const migrate::Migration& migration, const std::vector<migrate::Difference>& missing) override;
  void command(const std::string& tag) override;
  void retrying(const std::string& why, std::chrono::milliseconds pause) override;
  void done(const migrate::Migration& migration, const migrate::Done& done) override;

 private:
  void line(const std::string& text) const;

  bool shown_;
  std::vector<migrate::Done> all_;
};

nlohmann::ordered_json to_json(const std::vector<migrate::Done>& done);
nlohmann::ordered_json to_json(const migrate::Comparison& comparison);

}  // namespace wrktalk::cmd
