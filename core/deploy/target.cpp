// SPDX-License-Identifier: Apache-2.0
#include "core/base/name.hpp"
#include "core/base/text.hpp"
#include "core/deploy/kinds.hpp"
#include "core/log/log.hpp"

namespace wrktalk::deploy {
namespace {

using base::Error;
using base::Kind;

constexpr std::size_t kEvidenceBytes = 32 * 1024;
Kind kind_of(StepError::Left left) {
  switch (left) {
    case StepError::Left::put_back: return Kind::put_back;
    case StepError::Left::not_put_back: return Kind::not_put_back;
    case StepError::Left::untouched:
    case StepError::Left::dirty: return Kind::child;
  }
  return Kind::child;
}

}  // namespace

Target parse_target(const std::string& name) {
  const std::size_t colon = name.find(':');
  const auto kind = base::parse_target_kind(name.substr(0, colon));
  if (!kind || colon == std::string::npos) {
    std::vector<std::string> forms;
    for (const auto& row : kind_rows()) forms.emplace_back(row.form);
    throw Error(Kind::usage, "bad target '" + base::one_line(name) + "'", "write it as " + base::join(forms, ", "));
  }
  Target target;
  target.kind = *kind;
  target.name = name;
  row_of(*kind).parse(name.substr(colon + 1), target);
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
