// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/helm_leave.hpp"

#include "core/base/error.hpp"
#include "core/base/files.hpp"
#include "core/base/text.hpp"
#include "core/yaml/document.hpp"

#include <algorithm>

namespace wrktalk::deploy::helm {
namespace {

using base::Error;
using base::Kind;

constexpr std::size_t kLargestFile = 16 * 1024 * 1024;
constexpr std::string_view kField = "replicas:";

/// Where the number stands in the document; npos when it is not a plain `replicas: N`.
std::size_t place_of_number(const std::string& text, std::size_t line, const std::string& number) {
  std::size_t begin = 0;
  for (std::size_t i = 1; i < line && begin != std::string::npos; ++i) {
    begin = text.find('\n', begin);
    if (begin != std::string::npos) ++begin;
  }
  if (begin == std::string::npos) return begin;
  const std::size_t end = std::min(text.find('\n', begin), text.size());
  std::size_t at = text.find(kField, begin);
  if (at == std::string::npos || at >= end) return std::string::npos;
  at = text.find_first_not_of(' ', at + kField.size());
  return at != std::string::npos && text.compare(at, number.size(), number) == 0 ? at : std::string::npos;
}

void set_replicas(kube::Document& document, long count) {
  const auto parsed = yaml::read(document.text, "the rendered chart", {kLargestFile, 10'000'000});
  for (const auto& one : parsed) {
    for (const auto* spec : one.root().values("spec")) {
      for (const auto* number : spec->values("replicas")) {
        const auto at = place_of_number(document.text, number->line, number->text);
        if (at == std::string::npos) {
          throw Error(
              Kind::artifact,
              document.objects.front().title() + ": its replicas are scaled by others and cannot be left to them",
              "leave replicas out of the chart, or set WRKTALK_AGENT_HELM_FIELDS=take");
        }
        document.text.replace(at, number->text.size(), std::to_string(count));
        return;
      }
    }
  }
}

/// What helm would run as a template is a text that prints it.
std::string as_template(const std::string& text) {
  std::string out;
  for (std::size_t at = 0;;) {
    const std::size_t next = text.find("{{", at);
    out += text.substr(at, next - at);
    if (next == std::string::npos) return out;
    out += "{{ \"{{\" }}";
    at = next + 2;
  }
}

/// Its subcharts are rendered already.
std::string without_dependencies(const std::string& chart_yaml) {
  std::string out;
  bool inside = false;
  for (const auto& line : base::split(chart_yaml, '\n')) {
    const bool is_key = !line.empty() && line[0] != ' ' && line[0] != '-' && line[0] != '#';
    if (is_key) inside = base::starts_with(line, "dependencies:");
    if (!inside) out += line + "\n";
  }
  return out;
}

}  // namespace

std::string with_live_replicas(const std::string& objects, const std::string& of_namespace,
                               const std::vector<std::string>& scaled, const std::vector<kube::Live>& live) {
  auto manifest = kube::parse_manifest(objects, of_namespace);
  for (auto& document : manifest) {
    const auto& object = document.objects.front();
    const kube::Live* there = kube::find(live, object);
    const bool is_scaled = std::find(scaled.begin(), scaled.end(), object.title()) != scaled.end();
    if (is_scaled && there != nullptr && there->replicas) set_replicas(document, *there->replicas);
  }
  return kube::text_of(manifest);
}

void write_rendered_chart(const std::string& original, const std::string& objects, const std::string& folder) {
  base::make_directories(folder + "/templates", 0700);
  base::write_file(folder + "/Chart.yaml",
                   without_dependencies(base::read_file(original + "/Chart.yaml", kLargestFile)), 0600);
  if (base::exists(original + "/values.yaml"))
    base::write_file(folder + "/values.yaml", base::read_file(original + "/values.yaml", kLargestFile), 0600);
  base::write_file(folder + "/templates/all.yaml", as_template(objects), 0600);
}

}  // namespace wrktalk::deploy::helm
