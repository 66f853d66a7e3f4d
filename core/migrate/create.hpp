// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace wrktalk::migrate {

/// Makes an up file and a down file with the next number of the folder, written with as many digits as its last one; with
/// `timestamp`, or when the folder has timestamps, with the time in UTC. The folder is made when it is missing. Returns the two
/// paths. Throws Error(usage) for a name of other than small letters, digits and _; Error(failed) when the folder's files are
/// in disorder or cannot be written.
std::vector<std::string> create_files(const std::string& directory, const std::string& name, bool timestamp);

}  // namespace wrktalk::migrate
