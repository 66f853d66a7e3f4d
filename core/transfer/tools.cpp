// SPDX-License-Identifier: Apache-2.0
#include "core/transfer/tools.hpp"

#include "core/base/error.hpp"
#include "core/base/loopback.hpp"
#include "core/base/text.hpp"
#include "core/base/trust.hpp"
#include "core/exec/environment.hpp"
#include "core/exec/fence.hpp"
#include "core/log/log.hpp"

#include <nlohmann/json.hpp>

namespace wrktalk::transfer {
namespace {

using base::BootClock;
using base::Deadline;
using base::Error;
using base::Kind;

constexpr std::chrono::seconds kLease{15};  ///< so long a tool lives without us
constexpr std::chrono::seconds kRenewEvery{3};
constexpr std::chrono::minutes kAnswer{2};
constexpr std::chrono::minutes kStall{3};
constexpr std::chrono::milliseconds kLookEvery{500};
constexpr std::chrono::seconds kGrace{5};
constexpr std::size_t kWholeBytes = 16 << 20;

const std::vector<std::string> kEnvironment = {"DOCKER_*", "REGISTRY_AUTH_FILE", "REGISTRIES_CONFIG_PATH",
                                               "CONTAINERS_*", "SSH_AUTH_SOCK"};

/// Keeps a fence open as long as it is driven.
class Renewing : public base::Pulse {
 public:
  explicit Renewing(base::Pulse& outer) : outer_(outer) { renew(); }
  exec::Fence& fence() noexcept { return fence_; }

  Deadline watch(std::vector<pollfd>& fds) override { return sooner(outer_.watch(fds), renew_at_); }
  void tick() override {
    outer_.tick();
    if (renew_at_.passed()) renew();
  }

 private:
  void renew() {
    fence_.renew(BootClock::now(), kLease);
    renew_at_ = Deadline::in(kRenewEvery);
  }

  base::Pulse& outer_;
  exec::Fence fence_;
  Deadline renew_at_ = Deadline::never();
};

/// Asks how far it is, and throws when it stands still.
class Moving : public base::Pulse {
 public:
  Moving(base::Pulse& outer, const std::function<std::int64_t()>& moved) : outer_(outer), moved_(moved) {}

  Deadline watch(std::vector<pollfd>& fds) override { return sooner(outer_.watch(fds), look_at_); }
  void tick() override {
    outer_.tick();
    if (!look_at_.passed()) return;
    look_at_ = Deadline::in(kLookEvery);
    const std::int64_t now = moved_();
    if (now != last_) give_up_ = Deadline::in(kStall);
    last_ = now;
    if (give_up_.passed()) {
      throw Error(Kind::child, "no byte came for " + base::human_duration(kStall),
                  "look whether the registry answers, and try again: what is stored is not copied again");
    }
  }

 private:
  base::Pulse& outer_;
  const std::function<std::int64_t()>& moved_;
  std::int64_t last_ = -1;
  Deadline look_at_ = Deadline::in(kLookEvery);
  Deadline give_up_ = Deadline::in(kStall);
};

}  // namespace

Tools::Tools(base::Pulse& pulse) : environment_(exec::allowed_environment(kEnvironment, {})), pulse_(pulse) {}

void Tools::need_skopeo() const { ask({"skopeo", "--version"}); }

exec::Outcome Tools::ask(std::vector<std::string> argv) const {
  exec::Spec spec;
  spec.argv = std::move(argv);
  spec.timeout = kAnswer;
  spec.whole_stdout_bytes = kWholeBytes;
  return run(spec, pulse_);
}

exec::Outcome Tools::copy(std::vector<std::string> argv, const std::function<std::int64_t()>& moved) const {
  exec::Spec spec;
  spec.argv = std::move(argv);
  Moving moving(pulse_, moved);
  return run(spec, moving);
}

exec::Outcome Tools::run(exec::Spec& spec, base::Pulse& pulse) const {
  const std::string& program = spec.argv.front();
  spec.environment = environment_;
  spec.grace = kGrace;
  Renewing renewing(pulse);
  spec.fence = &renewing.fence();
  base::require_trusted_program(program);
  log::debug("transfer.command", base::join(spec.argv, " "));
  auto outcome = exec::run(spec, renewing);
  if (outcome.end == exec::Outcome::End::not_started) {
    throw Error(Kind::configuration, program + " is not on this machine: " + outcome.error,
                "install the package " + (program == "docker" ? "docker.io" : program));
  }
  return outcome;
}

std::string reason(const exec::Outcome& outcome) {
  const auto lines = base::split(base::trim(outcome.err), '\n');
  std::string last = lines.empty() ? std::string() : lines.back();
  constexpr const char* kMessage = " msg=";
  const std::size_t at = last.find(kMessage);
  if (at != std::string::npos) {
    // logrus quotes a message as Go does; a JSON reader takes what is in it.
    const std::string quoted = last.substr(at + std::string(kMessage).size());
    const auto text = nlohmann::json::parse(quoted, nullptr, false);
    last = text.is_string() ? text.get<std::string>() : quoted;
  }
  return last.empty() ? outcome.describe() : base::one_line(last);
}

std::string docker_name(const std::string& repository, const std::string& tag, const std::string& digest) {
  return "docker://" + repository + (digest.empty() ? ":" + tag : "@" + digest);
}

bool is_local_registry(const std::string& repository) {
  std::string host = repository.substr(0, repository.find('/'));
  const std::size_t bracket = host.rfind(']');
  const std::size_t colon = host.find(':', bracket == std::string::npos ? 0 : bracket);
  return base::is_loopback(host.substr(0, colon));
}

}  // namespace wrktalk::transfer
