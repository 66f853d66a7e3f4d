// SPDX-License-Identifier: Apache-2.0
#include "cmd/app.hpp"
#include "core/agent/agent.hpp"
#include "core/base/error.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <iostream>

namespace wrktalk::cmd {
namespace {

using base::ExitCode;

struct PollOptions {
  bool loop = false;
  bool drain = false;
  bool poll_only = false;
  std::string http;
  std::string backup_dir;
};

ExitCode report(const Env& env, const agent::Summary& summary) {
  if (env.output == Output::json) {
    print_json({{"completed", summary.completed}, {"failed", summary.failed}});
  } else if (summary.completed + summary.failed == 0) {
    std::cout << "nothing is due\n";
  } else {
    std::cout << summary.completed << " completed, " << summary.failed << " failed\n";
  }
  return summary.exit_code;
}

ExitCode run_poll(const PollOptions& options, Env& env) {
  auto settings = agent::ready(env.settings.agent, agent_database(env, "poll"), checkpoint_database(env, "poll"));
  settings.poll_only = options.poll_only;
  if (!options.http.empty()) settings.http = observe::parse_address(options.http);
  settings.backup_dir = options.backup_dir;
  settings.credentials = env.credentials;
  agent::Stop stop(env.signals, settings.grace);
  if (options.loop) {
    agent::loop(settings, stop);
    return ExitCode::done;
  }
  return report(env, options.drain ? agent::drain(settings, stop) : agent::poll_once(settings, stop));
}

}  // namespace

void add_poll(CLI::App& app, Selected& chosen) {
  auto options = std::make_shared<PollOptions>();
  auto* sub = app.add_subcommand("poll", "Claim and run tasks from the queue")->group("Releases");
  auto* loop = sub->add_flag("--loop", options->loop, "For ever: the daemon. Ends with 0 on SIGTERM");
  sub->add_flag("--drain", options->drain, "All tasks that are due, then end")->excludes(loop);
  sub->add_flag("--poll-only", options->poll_only,
                "No LISTEN and no connection held while idle, for a pooler in transaction mode");
  auto* http = sub->add_option("--http", options->http,
                               "Answer /livez, /readyz and /metrics there: 127.0.0.1:9464, or :9464 for every address")
                   ->type_name("HOST:PORT")
                   ->needs(loop);
  sub->add_option("--backup-dir", options->backup_dir, "Show age and size of the newest backup in this folder there")
      ->type_name("DIR")
      ->needs(http);
  sub->footer(
      footer({"wrktalk poll                    # one task, if one is due", "wrktalk poll --drain",
              "wrktalk poll --loop", "wrktalk poll --loop --http 127.0.0.1:9464"},
             {ExitCode::done, ExitCode::failed, ExitCode::usage, ExitCode::busy, ExitCode::configuration,
              ExitCode::database, ExitCode::artifact, ExitCode::child, ExitCode::put_back, ExitCode::not_put_back}));
  sub->callback([options, &chosen] {
    chosen = {"poll", [options](Env& env) { return run_poll(*options, env); }};
    chosen.daemon = options->loop;
  });
}

}  // namespace wrktalk::cmd
