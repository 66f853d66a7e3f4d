// SPDX-License-Identifier: Apache-2.0
#include "core/maintenance/haproxy_text.hpp"

#include "core/base/text.hpp"

#include <algorithm>
#include <cstdlib>
#include <vector>

namespace wrktalk::maintenance {
namespace {

constexpr unsigned long kForcedMaintenance = 0x01;  // SRV_ADMF_FMAINT

std::vector<std::string> words(const std::string& line) {
  std::vector<std::string> out;
  for (auto& word : base::split(line, ' ')) {
    if (!word.empty()) out.push_back(std::move(word));
  }
  return out;
}

}  // namespace

std::optional<std::string> map_value(const std::string& answer, const std::string& key) {
  for (const auto& line : base::split(answer, '\n')) {
    const auto entry = words(line);
    if (entry.size() == 3 && entry[1] == key) return entry[2];
  }
  return std::nullopt;
}

std::optional<std::string> info_value(const std::string& answer, const std::string& name) {
  for (const auto& line : base::split(answer, '\n')) {
    const std::size_t colon = line.find(':');
    if (colon != std::string::npos && line.substr(0, colon) == name) {
      return base::trim(line.substr(colon + 1));
    }
  }
  return std::nullopt;
}

std::optional<bool> in_forced_maintenance(const std::string& answer, const std::string& server) {
  std::vector<std::string> columns;
  for (const auto& line : base::split(answer, '\n')) {
    auto cells = words(line);
    if (!cells.empty() && cells[0] == "#") {
      columns.assign(cells.begin() + 1, cells.end());
      continue;
    }
    const auto cell = [&](const char* name) {
      const auto at = static_cast<std::size_t>(std::find(columns.begin(), columns.end(), name) - columns.begin());
      return at < std::min(columns.size(), cells.size()) ? cells[at] : std::string();
    };
    if (cell("srv_name") == server) {
      return (std::strtoul(cell("srv_admin_state").c_str(), nullptr, 10) & kForcedMaintenance) != 0;
    }
  }
  return std::nullopt;
}

std::string with_map_value(const std::string& content, const std::string& key, const std::string& value) {
  std::string out;
  bool found = false;
  for (const auto& line : base::split(base::trim(content), '\n')) {
    const std::string trimmed = base::trim(line);
    const bool ours = trimmed.substr(0, trimmed.find_first_of(" \t")) == key;
    found = found || ours;
    if (ours || !trimmed.empty() || !out.empty()) out += (ours ? key + " " + value : line) + "\n";
  }
  return found ? out : out + key + " " + value + "\n";
}

}  // namespace wrktalk::maintenance
