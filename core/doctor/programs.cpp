// SPDX-License-Identifier: Apache-2.0
#include "core/doctor/programs.hpp"

#include "core/base/text.hpp"
#include "core/deploy/tools.hpp"

#include <chrono>

namespace wrktalk::doctor {
namespace {

constexpr std::chrono::seconds kAnswer{10};

}  // namespace

exec::Outcome ask(const std::vector<std::string>& argv, const Look& look) {
  exec::Spec spec;
  spec.argv = argv;
  spec.environment = deploy::allowed_environment({"KUBECONFIG", "HELM_*", "DOCKER_*", "COMPOSE_*"},
                                                 look.site().agent.deploy.passed_environment);
  spec.timeout = kAnswer;
  spec.grace = std::chrono::seconds(1);
  return exec::run(spec, look.pulse());
}

std::string why(const exec::Outcome& outcome) {
  if (outcome.end == exec::Outcome::End::not_started) return outcome.error;
  if (outcome.end == exec::Outcome::End::timed_out) return "no answer within 10 s";
  const std::string words = base::trim(outcome.err.empty() ? outcome.out : outcome.err);
  return words.empty() ? "exit status " + std::to_string(outcome.code) : base::one_line(words);
}

bool is_good(const exec::Outcome& outcome) noexcept {
  return outcome.end == exec::Outcome::End::exited && outcome.code == 0;
}

std::string first_line(const exec::Outcome& outcome) {
  return base::one_line(base::trim(outcome.out.substr(0, outcome.out.find('\n'))));
}

}  // namespace wrktalk::doctor
