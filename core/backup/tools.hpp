// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/error.hpp"
#include "core/base/pulse.hpp"
#include "core/db/raw.hpp"
#include "core/db/settings.hpp"
#include "core/exec/run.hpp"

#include <string>
#include <vector>

namespace wrktalk::backup {

/// PostgreSQL's programs, and where each child of ours gets what it needs to know.
class Tools {
 public:
  /// `folder` holds pg_dump, pg_restore and the rest; empty: PATH does.
  explicit Tools(std::string folder = {}) : folder_(std::move(folder)) {}

  /// A program that connects: its settings go into argv, its password into its environment. What sessions of ours depend on
  /// (session_settings.hpp) is set for its session, too, unless a pooler is `server`, which takes no options. Throws
  /// Error(configuration) when the settings hold a key's password, which no program takes in secret.
  exec::Spec connecting(const std::string& program, const db::ConnectionSettings& settings,
                        const db::raw::Connection& server, const std::vector<std::string>& arguments) const;

  /// A program of PostgreSQL that connects to nothing.
  exec::Spec local(const std::string& program, const std::vector<std::string>& arguments) const;

  /// The version that a program says it has: "15.18". Throws Error(configuration) when it is not there.
  std::string version(const std::string& program, base::Pulse& pulse) const;

  /// Refuses a pg_dump that is older than the server: Error(configuration) with both versions. Returns pg_dump's.
  std::string check_pg_dump(const db::raw::Connection& server, base::Pulse& pulse) const;

 private:
  std::string path(const std::string& program) const;

  std::string folder_;
};

/// A program with PATH, HOME and the like in its environment, and nothing of the database.
exec::Spec foreign_tool(std::vector<std::string> argv);

/// A program that was to read a file has read it and refused it.
class Unreadable : public base::Error {
 public:
  using base::Error::Error;
};

/// The version that a server says it has: "15.18".
std::string server_version_text(const db::raw::Connection& server);

/// Throws Error(child) with the last lines of what it said, or Error(configuration) when it is not there.
void need_good(const exec::Outcome& outcome, const exec::Spec& spec);
/// The same for a program that reads a backup: Error(configuration) when it is too old or has no key for it, Unreadable(child)
/// when it refuses it for another reason.
void need_read(const exec::Outcome& outcome, const exec::Spec& spec);

}  // namespace wrktalk::backup
