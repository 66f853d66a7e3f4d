// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/kubectl.hpp"

#include "core/base/backoff.hpp"
#include "core/base/files.hpp"
#include "core/base/text.hpp"
#include "core/deploy/hints.hpp"
#include "core/log/log.hpp"

#include <algorithm>
#include <functional>

namespace wrktalk::deploy::kube {
namespace {

using base::Error;
using base::Kind;

constexpr std::chrono::minutes kAnswers{1};
constexpr std::chrono::minutes kActs{2};
constexpr std::chrono::milliseconds kLongestPause{5'000};
constexpr std::size_t kReasonBytes = 600;
constexpr std::size_t kMostObjections = 10;

std::string reason(const exec::Outcome& outcome) {
  if (outcome.end != exec::Outcome::End::exited) return "kubectl " + outcome.describe();
  return shorten(base::one_line(base::trim(log::redact(outcome.err))), kReasonBytes);
}

[[noreturn]] void fail(const exec::Outcome& outcome) {
  throw Error(Kind::child, "kubectl cannot ask the API server: " + reason(outcome));
}

/// What kubectl remembers of the server's kinds may be older than the server: a folder of its own remembers nothing.
class FreshCache {
 public:
  std::string option() const { return "--cache-dir=" + folder_.path(); }

 private:
  base::TempDir folder_{base::temporary_parent(), "wrktalk-kubectl-", base::TempDir::Holds::no_secrets};
};

const std::vector<std::string> kGet = {"get", "--filename=-", "--output=json", "--ignore-not-found"};

std::vector<std::string> with(std::vector<std::string> words, const std::vector<std::string>& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

}  // namespace

bool is_away(const std::string& text) {
  static const char* const kWords[] = {"luster unreachable",
                                       "connection refused",
                                       "was refused - did you specify the right host or port",
                                       "connection reset by peer",
                                       "i/o timeout",
                                       "no route to host",
                                       "network is unreachable",
                                       "TLS handshake timeout",
                                       "http2: client connection lost",
                                       "http2: server sent GOAWAY",
                                       "unexpected EOF",
                                       ": EOF",
                                       "the server is currently unable to handle the request",
                                       "etcdserver: ",
                                       "apiserver not ready",
                                       "Client.Timeout",
                                       "ran out of time"};
  return std::any_of(std::begin(kWords), std::end(kWords),
                     [&](const char* words) { return text.find(words) != std::string::npos; });
}

void wait_for_server(const Tools& tools, base::Deadline limit, base::Pulse& pulse, const std::function<void()>& ask) {
  base::Backoff backoff;
  for (;;) {
    try {
      ask();
      if (backoff.tries() > 0) tools.tell("the API server answers again");
      return;
    } catch (const Error& e) {
      if (e.kind() != Kind::child || !is_away(e.what()) || limit.passed()) throw;
      if (backoff.tries() == 0)
        tools.tell(std::string("the API server does not answer and is waited for: ") + e.what());
    }
    base::pause(pulse, sooner(limit, base::Deadline::in(std::min(backoff.next(), kLongestPause))));
  }
}

exec::Outcome Kubectl::ask(std::vector<std::string> words, const std::string& input, base::Pulse& pulse) const {
  words.insert(words.begin(), bin_);
  return tools_.look(std::move(words), pulse, kAnswers, input);
}

void Kubectl::act(std::vector<std::string> words, const std::string& input, base::Pulse& pulse) const {
  Tools::Act act;
  act.argv = std::move(words);
  act.argv.insert(act.argv.begin(), bin_);
  act.timeout = kActs;
  act.grace = std::chrono::seconds(10);
  act.input = input;
  const auto outcome = tools_.act(act, pulse);
  if (!outcome.good()) throw Error(Kind::child, reason(outcome));
}

std::vector<Live> Kubectl::get(const std::vector<Object>& objects, base::Pulse& pulse) const {
  if (objects.empty()) return {};
  const auto outcome = ask(kGet, names_of(objects), pulse);
  if (!outcome.good()) fail(outcome);
  return parse_live(outcome.out);
}

Kubectl::Comparison Kubectl::compare(Manifest manifest, base::Pulse& pulse) const {
  const FreshCache cache;
  Comparison comparison;
  for (;;) {
    if (manifest.empty()) return comparison;
    std::vector<Object> objects;
    for (const auto& document : manifest)
      objects.insert(objects.end(), document.objects.begin(), document.objects.end());
    const auto live = ask(with(kGet, {cache.option()}), names_of(objects), pulse);
    if (!live.good()) {
      auto unknown = take_out(manifest, unknown_kinds(live.err));
      if (unknown.empty()) fail(live);
      comparison.unknown.insert(comparison.unknown.end(), unknown.begin(), unknown.end());
      continue;
    }
    for (const auto& batch : batches(manifest)) {
      const auto applied =
          ask(with({"apply", "--filename=-", "--output=json", "--server-side", "--dry-run=server", "--validate=false",
                    "--force-conflicts", "--field-manager=wrktalk", cache.option()},
                   batch.options),
              batch.text, pulse);
      if (!applied.good() && is_away(applied.err)) fail(applied);
      const auto found = differences(live.out, applied.out);
      comparison.differences.insert(comparison.differences.end(), found.begin(), found.end());
      if (!applied.good()) comparison.differences.push_back("the server would not take it again: " + reason(applied));
    }
    return comparison;
  }
}

bool is_conflict(const std::string& stderr_text) noexcept {
  return stderr_text.find("Apply failed with") != std::string::npos;
}

std::vector<Kubectl::Objection> Kubectl::objections(const Manifest& manifest, base::Pulse& pulse) const {
  auto out = not_taken(manifest, "--force-conflicts=false", pulse);
  const auto is_by_conflict = [](const Objection& objection) { return is_conflict(objection.text); };
  if (std::none_of(out.begin(), out.end(), is_by_conflict)) return out;
  // The server names a conflict first, and what is wrong besides only when the conflict is forced.
  out.erase(std::remove_if(out.begin(), out.end(), std::not_fn(is_by_conflict)), out.end());
  const auto others = not_taken(manifest, "--force-conflicts", pulse);
  out.insert(out.end(), others.begin(), others.end());
  return out;
}

std::vector<Kubectl::Objection> Kubectl::not_taken(Manifest manifest, const char* force, base::Pulse& pulse) const {
  const auto try_it = [&](const Batch& batch) {
    auto outcome = ask(with({"apply", "--filename=-", "--output=json", "--server-side", "--dry-run=server",
                             "--validate=false", "--field-manager=helm", force},
                            batch.options),
                       batch.text, pulse);
    if (outcome.end != exec::Outcome::End::exited || (!outcome.good() && is_away(outcome.err))) fail(outcome);
    return outcome;
  };
  std::vector<Live> taken;
  for (bool again = true; again;) {
    again = false;
    bool all_good = true;
    taken.clear();
    for (const auto& batch : batches(manifest)) {
      const auto outcome = try_it(batch);
      all_good = all_good && outcome.good();
      // What the chart brings the definition of cannot be asked about yet.
      again = again || !take_out(manifest, unknown_kinds(outcome.err)).empty();
      const auto found = parse_live(outcome.out);
      taken.insert(taken.end(), found.begin(), found.end());
    }
    if (all_good) return {};
  }
  // kubectl does not say which object it means: those it did not show are asked about one by one.
  std::vector<Objection> out;
  for (const auto& document : manifest) {
    const auto is_taken = [&](const Object& object) { return find(taken, object) != nullptr; };
    if (std::all_of(document.objects.begin(), document.objects.end(), is_taken)) continue;
    const auto outcome = try_it(batches({document}).front());
    if (!outcome.good()) out.push_back({document.objects.front().title(), log::redact(outcome.err)});
    if (out.size() == kMostObjections) break;
  }
  return out;
}

std::vector<Kubectl::Batch> Kubectl::batches(const Manifest& manifest) const {
  Batch own{{"--namespace", namespace_}, {}};
  Batch others;
  for (const auto& document : manifest) {
    const bool is_own = std::all_of(document.objects.begin(), document.objects.end(),
                                    [&](const Object& object) { return object.namespace_ == namespace_; });
    (is_own ? own : others).text += "---\n" + document.text;
  }
  std::vector<Batch> out;
  for (auto* batch : {&own, &others}) {
    if (!batch->text.empty()) out.push_back(std::move(*batch));
  }
  return out;
}

void Kubectl::apply_crds(const Manifest& crds, base::Pulse& pulse) const {
  if (crds.empty()) return;
  // Their kind is known everywhere, and none is in a namespace.
  act({"apply", "--filename=-", "--server-side", "--force-conflicts", "--field-manager=helm"}, text_of(crds), pulse);
  act({"wait", "--filename=-", "--for=condition=Established", "--timeout=60s"}, text_of(crds), pulse);
}

void Kubectl::remove(const std::vector<Object>& objects, base::Pulse& pulse) const {
  if (objects.empty()) return;
  act({"delete", "--filename=-", "--ignore-not-found", "--timeout=60s"}, names_of(objects), pulse);
}

}  // namespace wrktalk::deploy::kube
