// SPDX-License-Identifier: Apache-2.0
#include "core/artifact/requirement.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <regex>

namespace wrktalk::artifact {

bool Requirement::holds(std::int64_t version) const noexcept {
  switch (is) {
    case Is::at_least: return version >= number;
    case Is::at_most: return version <= number;
    case Is::exactly: return version == number;
  }
  return false;
}

std::vector<Requirement> parse_requirements(const std::string& text) {
  static const std::regex kForm("([a-z][a-z0-9_-]{0,62}) *(>=|<=|=) *([0-9]{1,18})");
  std::vector<Requirement> requirements;
  for (const auto& part : base::split(text, ',')) {
    const std::string one = base::trim(part);
    std::smatch match;
    if (!std::regex_match(one, match, kForm)) {
      throw base::Error(base::Kind::usage, "\"" + base::one_line(one) + "\" is no requirement of a schema version",
                        "write it like checkpoint>=9, several with commas");
    }
    using Is = Requirement::Is;
    const Is is = match[2] == ">=" ? Is::at_least : match[2] == "<=" ? Is::at_most : Is::exactly;
    requirements.push_back({match[1], is, std::stoll(match[3])});
  }
  return requirements;
}

std::string to_text(const Requirement& requirement) {
  const char* is = requirement.is == Requirement::Is::at_least  ? ">="
                   : requirement.is == Requirement::Is::at_most ? "<="
                                                                : "=";
  return requirement.set + is + std::to_string(requirement.number);
}

}  // namespace wrktalk::artifact
