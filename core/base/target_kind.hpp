// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <optional>
#include <string>

namespace wrktalk::base {

/// What a release can be deployed to. The one list of kinds: settings, database rows, archives and commands read it. What is done to each is in
/// core/deploy/kinds.cpp.
enum class TargetKind { kubernetes, docker, host };

struct TargetKindRow {
  TargetKind kind;
  const char* name;        ///< in targets' names, in `deployment_target.kind` and in WRKTALK_AGENT_DEPLOYMENT_TYPE
  const char* chart_type;  ///< in `release_artifact.chart_type`: the type of the releases that it takes
};

constexpr std::array<TargetKindRow, 3> kTargetKinds = {{
    {TargetKind::kubernetes, "kubernetes", "helm"},
    {TargetKind::docker, "docker", "compose"},
    {TargetKind::host, "host", "host"},
}};

constexpr const TargetKindRow& kind_row(TargetKind kind) noexcept {
  return kTargetKinds[static_cast<std::size_t>(kind)];
}

constexpr const char* to_text(TargetKind kind) noexcept { return kind_row(kind).name; }

constexpr const char* chart_type(TargetKind kind) noexcept { return kind_row(kind).chart_type; }

inline std::optional<TargetKind> parse_target_kind(const std::string& name) {
  for (const auto& row : kTargetKinds) {
    if (name == row.name) return row.kind;
  }
  return std::nullopt;
}

}  // namespace wrktalk::base
