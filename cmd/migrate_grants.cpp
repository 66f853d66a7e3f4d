// SPDX-License-Identifier: Apache-2.0
#include "cmd/migrate.hpp"
#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <nlohmann/json.hpp>

#include <iostream>

namespace wrktalk::cmd {

base::ExitCode run_migrate_grants(const MigrateOptions& options, Env& env) {
  const auto& [agents, publishers, readers, backends] = options.grantees;
  if (agents.empty() && publishers.empty() && readers.empty() && backends.empty()) {
    throw base::Error(base::Kind::usage, "no role is named",
                      "name one with --agent, --publisher, --reader or --backend");
  }
  SignalPulse pulse(env.signals);
  auto connection = migrate::connect(agent_database(env, "migrate grants"),
                                     base::Deadline::in(base::parse_duration(options.wait)), pulse);
  const auto statements = migrate::grant_statements(connection, options.grantees, pulse);
  if (options.apply) migrate::apply_grants(connection, statements, pulse);
  if (env.output == Output::json) {
    print_json({{"applied", options.apply}, {"sql", statements}});
  } else if (options.apply) {
    std::cout << "==> Granted in database " << connection.database() << " on " << connection.host() << '\n';
  } else {
    std::cout << "BEGIN;\n" << base::join(statements, ";\n") << ";\nCOMMIT;\n";
  }
  return base::ExitCode::done;
}

}  // namespace wrktalk::cmd
