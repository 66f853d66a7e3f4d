// SPDX-License-Identifier: Apache-2.0
#include "core/base/name.hpp"
#include "core/base/text.hpp"
#include "core/deploy/deployer.hpp"
#include "core/log/log.hpp"

#include <algorithm>
#include <array>

namespace wrktalk::deploy {
namespace {

using base::Error;
using base::Kind;

constexpr std::size_t kEvidenceBytes = 32 * 1024;
constexpr std::string_view kLower = "abcdefghijklmnopqrstuvwxyz0123456789";
constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Starts with one of `letters`, goes on with those or `also`.
bool is_name(std::string_view text, std::string_view letters, std::string_view also, std::size_t longest) {
  return !text.empty() && text.size() <= longest && letters.find(text.front()) != std::string_view::npos &&
         std::all_of(text.begin(), text.end(), [&](char c) {
           return letters.find(c) != std::string_view::npos || also.find(c) != std::string_view::npos;
         });
}

bool is_dns_label(const std::string& text, std::size_t longest) {
  return is_name(text, kLower, "-", longest) && text.back() != '-';
}

bool is_helm_release(const std::string& text) {
  const auto parts = base::split(text, '.');
  return text.size() <= 53 &&
         std::all_of(parts.begin(), parts.end(), [](const auto& part) { return is_dns_label(part, 53); });
}

Kind kind_of(StepError::Left left) {
  switch (left) {
    case StepError::Left::put_back: return Kind::put_back;
    case StepError::Left::not_put_back: return Kind::not_put_back;
    case StepError::Left::untouched:
    case StepError::Left::dirty: return Kind::child;
  }
  return Kind::child;
}

void need(bool good, const std::string& target, const std::string& part, const std::string& rule) {
  if (!good) throw Error(Kind::usage, "bad target '" + base::one_line(target) + "': " + part + " " + rule);
}

}  // namespace

const char* to_text(TargetKind kind) noexcept {
  static constexpr std::array<const char*, 3> kTexts = {"kubernetes", "docker", "host"};
  return kTexts[static_cast<std::size_t>(kind)];
}

const char* chart_type(TargetKind kind) noexcept {
  static constexpr std::array<const char*, 3> kTexts = {"helm", "compose", "host"};
  return kTexts[static_cast<std::size_t>(kind)];
}

std::optional<TargetKind> parse_target_kind(const std::string& text) {
  for (const auto kind : {TargetKind::kubernetes, TargetKind::docker, TargetKind::host}) {
    if (text == to_text(kind)) return kind;
  }
  return std::nullopt;
}

Target parse_target(const std::string& name) {
  const std::size_t colon = name.find(':');
  const auto kind = parse_target_kind(name.substr(0, colon));
  if (!kind || colon == std::string::npos) {
    throw Error(Kind::usage, "bad target '" + base::one_line(name) + "'",
                "write it as kubernetes:NAMESPACE/RELEASE, docker:PROJECT, host:AGENT or host:AGENT/NAME");
  }
  Target target;
  target.kind = *kind;
  target.name = name;
  const std::string rest = name.substr(colon + 1);
  const std::size_t slash = rest.find('/');
  const std::string first = rest.substr(0, slash);
  const std::string second = slash == std::string::npos ? "" : rest.substr(slash + 1);
  switch (*kind) {
    case TargetKind::kubernetes:
      need(is_dns_label(first, 63), name, "the namespace", "must be a DNS label of at most 63 characters");
      need(is_helm_release(second), name, "the release",
           "must consist of lower-case letters, digits, '-' and '.', at most 53 of them");
      target.namespace_ = first;
      target.release = second;
      break;
    case TargetKind::docker:
      need(is_name(rest, kLower, "_-", 63), name, "the project",
           "must consist of lower-case letters, digits, '-' and '_' and begin with a letter or digit");
      target.project = rest;
      break;
    case TargetKind::host:
      need(is_name(first, kLetters, "._-", 63), name, "the agent",
           "must consist of letters, digits, '.', '-' and '_' and begin with a letter or digit");
      need(slash == std::string::npos || is_name(second, kLetters, "._-", 63), name, "the name",
           "must consist of letters, digits, '.', '-' and '_' and begin with a letter or digit");
      need(second != "releases" && second != "current" && second != "current.new", name, "the name",
           "is one that wrktalk uses itself");
      target.agent = first;
      target.instance = second;
      break;
  }
  return target;
}

void check_version(const std::string& version) {
  if (base::is_version(version)) return;
  throw Error(Kind::artifact, "bad version '" + base::one_line(version) + "'", base::kVersionRule);
}

StepError::StepError(Left left, const std::string& what, std::string hint, const std::string& evidence)
    : Error(kind_of(left), what, std::move(hint)),
      left_(left),
      evidence_(base::tail(log::redact(evidence), kEvidenceBytes)) {}

}  // namespace wrktalk::deploy
