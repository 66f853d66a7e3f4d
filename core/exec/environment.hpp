// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace wrktalk::exec {

/// "NAME=value" of our own variables that a tool may see: PATH, HOME and the like, what tells it where its target is, proxies,
/// and `passed`. An entry of `names` that ends in '*' is a prefix. Nothing else, our database's password least of all.
std::vector<std::string> allowed_environment(const std::vector<std::string>& names,
                                             const std::vector<std::string>& passed);

/// Whether a variable of that name may come out of our environment, where it is set.
bool may_be_passed(const std::string& name, const std::vector<std::string>& names);

}  // namespace wrktalk::exec
