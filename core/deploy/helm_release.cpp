// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/helm_release.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/log/log.hpp"

#include <algorithm>

namespace wrktalk::deploy::helm {

using base::Error;
using base::Kind;

namespace {

std::string shortened(const std::string& text) {
  constexpr std::size_t kLongest = 300;
  return text.size() <= kLongest ? text : base::scrub_utf8(text.substr(0, kLongest)) + " ...";
}

}  // namespace

void LiveRelease::need_version(base::Pulse& pulse) {
  if (subject_.version.major != 0) return;
  const exec::Outcome outcome = tools_.look(version_args(subject_.bin), pulse);
  const auto version = outcome.good() ? parse_version(outcome.out) : std::nullopt;
  if (!version) throw Error(Kind::configuration, subject_.bin + " does not tell its version: " + outcome.describe());
  if (version->major < 3 || (version->major == 3 && version->minor < 13)) {
    throw Error(Kind::configuration, subject_.bin + " is too old: " + base::trim(outcome.out),
                "install helm 3.13 or newer, which knows --labels");
  }
  subject_.version = *version;
}

exec::Outcome LiveRelease::ask(const Args& args, base::Pulse& pulse) const {
  exec::Outcome outcome = tools_.look(args, pulse);
  if (outcome.good() || outcome.err.find("release: not found") != std::string::npos) return outcome;
  const std::string why = outcome.end == exec::Outcome::End::exited ? reason(outcome.err) : outcome.describe();
  throw Error(Kind::child, "helm cannot look at " + name() + ": " + log::redact(why),
              hint(outcome.err, subject_.namespace_));
}

History LiveRelease::history(base::Pulse& pulse) const {
  const exec::Outcome outcome = ask(history_args(subject_), pulse);
  return outcome.good() ? parse_history(outcome.out) : History{};
}

Stored LiveRelease::stored(long revision, base::Pulse& pulse) const {
  return parse_stored(ask(status_args(subject_, revision), pulse).out);
}

std::string LiveRelease::hooks(long revision, base::Pulse& pulse) const {
  return ask(hooks_args(subject_, revision), pulse).out;
}

History LiveRelease::history(base::Pulse& pulse, StepError::Left left) const {
  try {
    return history(pulse);
  } catch (const Error& e) {
    if (e.kind() != Kind::child) throw;
    throw StepError(left, e.what(), e.hint());
  }
}

std::string LiveRelease::task_of(const Revision& revision, base::Pulse& pulse) const {
  if (has_inherited_label(revision)) return {};
  const exec::Outcome outcome = tools_.look(task_label_args(subject_, revision.number), pulse);
  return outcome.good() ? base::trim(outcome.out) : "";
}

std::string LiveRelease::owner(const History& now, base::Pulse& pulse) const {
  const Revision* made = &now.back();
  if (made->status == "pending-rollback") {
    if (now.size() < 2) return {};
    made = &now[now.size() - 2];
  }
  return task_of(*made, pulse);
}

bool LiveRelease::is_foreign_under_way(const History& now, const std::string& task, base::Pulse& pulse) const {
  return !now.empty() && now.back().is_under_way() && owner(now, pulse) != task;
}

bool LiveRelease::is_made_by(const History& now, const std::string& task, base::Pulse& pulse) const {
  return std::all_of(now.begin(), now.end(), [&](const auto& revision) { return task_of(revision, pulse) == task; });
}

bool LiveRelease::is_deployed_by(const History& now, const std::string& task, long seen, base::Pulse& pulse) const {
  if (task_of(now.back(), pulse) == task) return true;
  if (!origin_of(now.back())) return false;
  return std::none_of(now.begin(), now.end(),
                      [&](const auto& revision) { return revision.number > seen && task_of(revision, pulse) == task; });
}

Applied LiveRelease::applied(long revision, const std::string& what) const {
  return {revision, "release " + name() + ": " + what + ", revision " + std::to_string(revision)};
}

void LiveRelease::throw_busy(const History& now, base::Pulse& pulse) const {
  const std::string task = now.empty() ? "" : owner(now, pulse);
  throw Error(Kind::busy,
              "another helm operation on " + name() + " is in progress" +
                  (now.empty() ? "" : " (" + now.back().status + ")") + ", started by " +
                  (task.empty() ? "somebody else" : "task " + task),
              "wait until it has ended, or look at it with " + how_to_look());
}

void LiveRelease::refuse(const std::string& why) const {
  throw StepError(StepError::Left::not_put_back, why + ": it is left as it is", "look at it with " + how_to_look());
}

std::string LiveRelease::how_to_look() const {
  return "helm history " + subject_.release + " --namespace " + subject_.namespace_;
}

std::string described(const Revision& revision) {
  return "revision " + std::to_string(revision.number) + " is " + revision.status + ": " +
         shortened(base::one_line(log::redact(revision.description)));
}

}  // namespace wrktalk::deploy::helm
