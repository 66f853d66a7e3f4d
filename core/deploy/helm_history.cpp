// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/helm_history.hpp"

#include "core/base/text.hpp"
#include "core/deploy/hints.hpp"

#include <nlohmann/json.hpp>

#include <cstdlib>

namespace wrktalk::deploy::helm {
namespace {

using nlohmann::json;

constexpr std::size_t kReasonBytes = 900;
constexpr std::string_view kDescription = "wrktalk ";
constexpr std::string_view kRollback = "Rollback to ";

bool contains(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

long newest_number(const History& history) { return history.empty() ? 0 : history.back().number; }

}  // namespace

bool is_there(const History& history) { return !history.empty() && history.back().status != "uninstalled"; }

std::optional<Version> parse_version(const std::string& text) {
  if (!base::starts_with(text, "v")) return std::nullopt;
  char* dot = nullptr;
  const long major = std::strtol(text.c_str() + 1, &dot, 10);
  if (*dot != '.') return std::nullopt;
  return Version{static_cast<int>(major), static_cast<int>(std::strtol(dot + 1, nullptr, 10))};
}

History parse_history(const std::string& text) {
  History history;
  try {
    for (const auto& entry : json::parse(text)) {
      history.push_back({entry.at("revision").get<long>(), entry.at("status").get<std::string>(),
                         entry.value("description", std::string()), entry.value("chart", std::string()),
                         entry.value("app_version", std::string())});
    }
  } catch (const json::exception& e) {
    throw base::Error(base::Kind::child, std::string("helm history printed what cannot be read: ") + e.what());
  }
  return history;
}

std::optional<Revision> parse_upgrade(const std::string& text) {
  const json release = json::parse(text, nullptr, false);
  if (!release.is_object() || !release.contains("version") || !release["version"].is_number_integer())
    return std::nullopt;
  const json info = release.value("info", json::object());
  return Revision{release["version"].get<long>(), info.value("status", std::string()),
                  info.value("description", std::string())};
}

Stored parse_stored(const std::string& text) {
  const json release = json::parse(text, nullptr, false);
  Stored stored;
  if (!release.is_object()) return stored;
  if (const auto found = release.find("manifest"); found != release.end() && found->is_string())
    stored.objects = found->get<std::string>();
  const auto method = release.find("apply_method");
  stored.is_server_side = method != release.end() && method->is_string() && *method == "ssa";
  return stored;
}

const Revision* find(const History& history, long number) {
  for (const auto& revision : history) {
    if (revision.number == number) return &revision;
  }
  return nullptr;
}

const Revision* newest_good(const History& history, std::optional<long> before) {
  const Revision* best = nullptr;
  for (const auto& revision : history) {
    if (before && revision.number >= *before) break;
    if (revision.status == "deployed" || (revision.is_good() && (best == nullptr || best->status != "deployed"))) {
      best = &revision;
    }
  }
  return best;
}

std::optional<long> origin_of(const Revision& revision) {
  if (!base::starts_with(revision.description, kRollback)) return std::nullopt;
  return std::strtol(revision.description.c_str() + kRollback.size(), nullptr, 10);
}

bool comes_from(const History& history, long number, long origin) {
  while (number != origin) {
    const Revision* revision = find(history, number);
    const auto next = revision == nullptr ? std::nullopt : origin_of(*revision);
    if (!next || *next >= number) return false;
    number = *next;
  }
  return true;
}

std::string newest_note(const History& history) { return json{{"newest", newest_number(history)}}.dump(); }

long noted_newest(const std::string& note) {
  const json object = json::parse(note, nullptr, false);
  if (!object.is_object() || !object.contains("newest") || !object["newest"].is_number_integer()) return 0;
  return object["newest"].get<long>();
}

std::optional<std::string> version_of(const History& history, long number) {
  for (const Revision* revision = find(history, number); revision != nullptr;) {
    const std::string& text = revision->description;
    if (base::starts_with(text, kDescription)) return text.substr(kDescription.size());
    const auto origin = origin_of(*revision);
    revision = origin && *origin < revision->number ? find(history, *origin) : nullptr;
  }
  return std::nullopt;
}

const Revision* held(const History& history, const std::string& version, std::optional<long> recorded) {
  const auto is_it = [&](const Revision& revision) {
    if (!revision.is_good()) return false;
    if (const auto told = version_of(history, revision.number)) return *told == version;
    return revision.app_version == version || base::ends_with(revision.chart, "-" + version);
  };
  const Revision* best = nullptr;
  for (const auto& revision : history) {
    if (!is_it(revision)) continue;
    if (revision.number == recorded) return &revision;
    best = &revision;
  }
  return best;
}

StepError::Left left_behind(const History& before, const History& after, const std::string& stderr_text) {
  using Left = StepError::Left;
  // helm has tried to undo it, and failed: there are ways that helm does not try.
  if (contains(stderr_text, "an error occurred while rolling back the release")) return Left::dirty;
  if (contains(stderr_text, "an error occurred while uninstalling the release")) return Left::dirty;
  if (after.empty()) return contains(stderr_text, "has been uninstalled due to") ? Left::put_back : Left::untouched;
  if (newest_number(after) == newest_number(before)) return Left::untouched;
  return after.back().status == "deployed" ? Left::put_back : Left::dirty;
}

bool has_inherited_label(const Revision& revision) {
  return revision.is_good() && !base::starts_with(revision.description, kDescription) && !origin_of(revision);
}

bool met_another(const std::string& stderr_text) {
  // Two upgrades that began at once want to make the same revision: the later one is told that its record is there already.
  return contains(stderr_text, "another operation (install/upgrade/rollback) is in progress") ||
         (contains(stderr_text, "sh.helm.release.v1.") && contains(stderr_text, "already exists"));
}

bool is_worth_again(const std::string& stderr_text) {
  // Helm 3: no ConfigMap with the name "x" found. Helm 4: original object ConfigMap with the name "x" not found.
  return contains(stderr_text, "with the name \"") && contains(stderr_text, " found");
}

bool waited_in_vain(const std::string& stderr_text) {
  return contains(stderr_text, "context deadline exceeded") || contains(stderr_text, "timed out waiting");
}

std::string reason(const std::string& stderr_text) {
  std::size_t at = stderr_text.rfind("\nError: ");
  at = at == std::string::npos ? 0 : at + 1;
  std::string text = base::one_line(std::string_view(stderr_text).substr(at));
  if (base::starts_with(text, "Error: ")) text.erase(0, 7);
  return shorten(text, kReasonBytes);
}

std::string hint(const std::string& stderr_text, const std::string& namespace_) {
  return hint_for(stderr_text, namespace_);
}

}  // namespace wrktalk::deploy::helm
