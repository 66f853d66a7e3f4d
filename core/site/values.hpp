// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/yaml/document.hpp"

#include <functional>
#include <string>
#include <vector>

/// Helm's values: names of them as paths, and values as YAML on one line.
namespace wrktalk::site {

/// "a.b\.c" is a, then "b.c". Throws Error(usage) for an empty part.
std::vector<std::string> parts_of(const std::string& path);
std::string to_path(const std::vector<std::string>& parts);

/// Whether one of them is the other, or a part of what it names.
bool is_at_or_below(const std::string& path, const std::string& top);

/// What stands in for a text; by default the text itself.
using TextOf = std::function<std::string(const std::string&)>;

/// YAML on one line that means the same to every reader: plain words as they were written, all other texts in double quotes.
std::string to_flow(const yaml::Node& node, const TextOf& text_of = {});
std::string quoted(const std::string& text);

/// Every text in it, keys left out.
void each_text(const yaml::Node& node, const std::function<void(const std::string&)>& visit);

}  // namespace wrktalk::site
