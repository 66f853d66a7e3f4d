// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/helm_preview.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/deploy/hints.hpp"

#include <algorithm>

namespace wrktalk::deploy::helm {
namespace {

using base::Error;
using base::Kind;

constexpr std::size_t kReasonBytes = 400;
constexpr std::size_t kMostFields = 6;
constexpr const char* kSetting = "WRKTALK_AGENT_HELM_FIELDS";

std::string in_quotes(const std::string& line, const char* after) {
  const auto at = line.find(after);
  if (at == std::string::npos) return {};
  const auto begin = line.find('"', at);
  const auto end = begin == std::string::npos ? begin : line.find('"', begin + 1);
  return end == std::string::npos ? "" : line.substr(begin + 1, end - begin - 1);
}

std::string first_of(std::vector<std::string> fields) {
  if (fields.size() > kMostFields) {
    fields.resize(kMostFields);
    fields.emplace_back("...");
  }
  return base::join(fields, ", ");
}

std::string shortened(const std::string& text) {
  const std::string line = base::one_line(base::trim(text));
  return line.size() <= kReasonBytes ? line : base::scrub_utf8(line.substr(0, kReasonBytes)) + " ...";
}

/// helm makes the release's namespace; until then the server refuses what lies in it.
bool is_to_be_made(const std::string& namespace_, const std::string& refusal) {
  return refusal.find("namespaces \"" + namespace_ + "\" not found") != std::string::npos;
}

void fields_of_others(const Rendered& rendered, const std::string& namespace_, const PreviewOptions& options,
                      const kube::Kubectl& kubectl, base::Pulse& pulse, Preview& out) {
  auto manifest = kube::parse_manifest(rendered.objects, namespace_);
  kube::take_out_hooks(manifest);
  for (const auto& objection : kubectl.objections(manifest, pulse)) {
    for (const auto& conflict : parse_conflicts(objection.text)) {
      const std::string what = objection.object + ": " + first_of(conflict.fields) + " was set by " + conflict.owner;
      const bool is_scaling = conflict.fields == std::vector<std::string>{".spec.replicas"};
      if (!options.takes_fields && is_scaling) {
        out.scaled.push_back(objection.object);
        out.remarks.push_back(what + " and is left as it is");
        continue;
      }
      if (!options.takes_fields) {
        throw Error(Kind::artifact, what + ", and fields of others are to be left to them",
                    std::string("leave the field out of the chart, or set ") + kSetting + "=take");
      }
      out.remarks.push_back(what + " and is taken for what the chart says");
    }
    if (kube::is_conflict(objection.text) || is_to_be_made(namespace_, objection.text)) continue;
    const std::string hint = hint_for(objection.text, namespace_);
    out.remarks.push_back("the API server would refuse " + objection.object + ": " + shortened(objection.text) +
                          (hint.empty() ? "" : "; " + hint));
  }
}

void definitions(const Rendered& rendered, const std::string& namespace_, const PreviewOptions& options,
                 const kube::Kubectl& kubectl, base::Pulse& pulse, Preview& out) {
  const auto crds = kube::parse_manifest(rendered.crds, namespace_);
  if (crds.empty()) return;
  for (const auto& document : crds) {
    const auto comparison = kubectl.compare({document}, pulse);
    if (comparison.matches()) continue;
    out.changed_crds.push_back(document);
    out.remarks.push_back(
        "the chart's definition differs from the cluster's: " + shortened(base::join(comparison.differences, "; ")) +
        (options.updates_crds ? "; it is applied before the upgrade"
                              : "; helm leaves it as it is, --update-crds applies it"));
  }
}

}  // namespace

std::vector<Conflict> parse_conflicts(const std::string& stderr_text) {
  std::vector<Conflict> out;
  for (const auto& line : base::split(stderr_text, '\n')) {
    const std::string text = base::trim(line);
    if (base::starts_with(text, "- .") && !out.empty()) {
      out.back().fields.push_back(text.substr(2));
      continue;
    }
    const std::string owner = in_quotes(line, "with \"");
    if (owner.empty() || line.find("conflict") == std::string::npos) continue;
    const std::string part = in_quotes(line, "subresource \"");
    out.push_back({owner + (part.empty() ? "" : " (" + part + ")"), {}});
    const auto field = line.rfind(": .");
    if (field != std::string::npos) out.back().fields.push_back(base::trim(line.substr(field + 2)));
  }
  out.erase(std::remove_if(out.begin(), out.end(),
                           [](const auto& conflict) { return conflict.owner == "helm" || conflict.fields.empty(); }),
            out.end());
  return out;
}

Preview preview(const Rendered& rendered, const std::string& namespace_, const PreviewOptions& options,
                const kube::Kubectl& kubectl, base::Pulse& pulse) {
  Preview out;
  using Look = void (*)(const Rendered&, const std::string&, const PreviewOptions&, const kube::Kubectl&, base::Pulse&,
                        Preview&);
  for (const Look look : {fields_of_others, definitions}) {
    try {
      look(rendered, namespace_, options, kubectl, pulse, out);
    } catch (const Error& e) {
      if (e.kind() != Kind::child && e.kind() != Kind::configuration) throw;
      out.remarks.push_back(std::string("what the API server says of the chart is not known: ") + e.what());
    }
  }
  return out;
}

}  // namespace wrktalk::deploy::helm
