// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

/// What haproxy writes and reads: answers of its runtime API, and map files.
namespace wrktalk::maintenance {

/// The value that `show map` lists for the key ("0x55f0... KEY VALUE" a line).
std::optional<std::string> map_value(const std::string& answer, const std::string& key);

/// The value of one line of `show info` ("node: lb1").
std::optional<std::string> info_value(const std::string& answer, const std::string& name);

/// Whether `show servers state` has the server in maintenance that was asked for through the runtime API; nothing when it does not list it.
std::optional<bool> in_forced_maintenance(const std::string& answer, const std::string& server);

/// The map file's content with this value for the key, everything else as it was.
std::string with_map_value(const std::string& content, const std::string& key, const std::string& value);

}  // namespace wrktalk::maintenance
