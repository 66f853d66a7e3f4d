// SPDX-License-Identifier: Apache-2.0
#include "core/deploy/compose_cause.hpp"

#include "core/base/text.hpp"
#include "core/log/log.hpp"

#include <algorithm>
#include <vector>

namespace wrktalk::deploy::compose {
namespace {

using Lines = std::vector<std::string>;

constexpr std::size_t kMostCauses = 3;
constexpr std::string_view kFor = "ERROR: for ";

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

Lines lines_of(const std::string& text) {
  Lines out;
  for (const auto& line : base::split(text, '\n')) {
    const std::string plain = base::trim(line);
    if (!plain.empty()) out.push_back(base::one_line(plain));
  }
  return out;
}

/// "ERROR: for web  Cannot start service web: ...": each cause once, though v1 tells it of the container and of the service.
Lines told_by_v1(const Lines& lines) {
  Lines out;
  Lines seen;
  for (const auto& line : lines) {
    if (!base::starts_with(line, kFor)) continue;
    const std::size_t end = line.find("  ");
    const std::string why = end == std::string::npos ? line : base::trim(line.substr(end));
    if (std::find(seen.begin(), seen.end(), why) != seen.end()) continue;
    seen.push_back(why);
    out.push_back(line.substr(kFor.size(), end == std::string::npos ? end : end - kFor.size()) + ": " + why);
  }
  if (out.size() > kMostCauses) out.resize(kMostCauses);
  return out;
}

/// The line that says which image was being pulled: " web Error ..." of v2, "Pulling web (IMAGE)..." of v1.
std::string pulled(const Lines& lines) {
  for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
    if (base::starts_with(*line, "Pulling ") && base::ends_with(*line, "...")) return line->substr(0, line->size() - 3);
  }
  return {};
}

bool says_nothing(const std::string& line) {
  return base::starts_with(line, "Encountered errors while bringing up the project") ||
         base::starts_with(line, "You may need to escape any $");
}

}  // namespace

std::string cause(const std::string& stderr_text) {
  const Lines lines = lines_of(stderr_text);
  if (const Lines told = told_by_v1(lines); !told.empty()) return log::redact(base::join(told, "; "));
  // What v1 says of a file that it refuses goes over several lines; what it quotes of the file comes behind them.
  const auto refused =
      std::find_if(lines.begin(), lines.end(), [](const auto& line) { return contains(line, "is invalid because:"); });
  if (refused != lines.end()) {
    const auto end = std::min<std::ptrdiff_t>(lines.end() - refused, 1 + static_cast<std::ptrdiff_t>(kMostCauses));
    return log::redact(base::join(Lines(refused, refused + end), " "));
  }
  const auto interpolation = std::find_if(
      lines.begin(), lines.end(), [](const auto& line) { return contains(line, "nvalid interpolation format for"); });
  if (interpolation != lines.end()) {
    const std::size_t quoted = interpolation->rfind(": ");
    return log::redact(interpolation->substr(0, quoted) + ": a '$' that begins no variable; write $$ for a '$'");
  }
  std::string last;
  for (const auto& line : lines) {
    if (!says_nothing(line)) last = line;
  }
  const std::string image = pulled(lines);
  if (!image.empty() && !contains(last, "service ")) last = image + ": " + last;
  return log::redact(last);
}

std::string failed_services(const Containers& containers) {
  Lines out;
  for (const auto& container : containers) {
    if (container.status == "created" && container.error.empty()) continue;
    if (condition_of(container) != Condition::broken) continue;
    std::string what = describe(container);
    if (base::starts_with(what, container.name)) what.erase(0, container.name.size());
    out.push_back("service " + container.service + what + " (container " + container.name + ")");
  }
  return base::join(out, ", ");
}

}  // namespace wrktalk::deploy::compose
