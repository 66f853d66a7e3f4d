// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/release_manifest/manifest.hpp"
#include "core/release_manifest/reader.hpp"

#include <string>

namespace wrktalk::release_manifest {

/// A name of a database as settings have it: [a-z][a-z0-9_]*.
void check_database(const Section& section, const std::string& key, const std::string& name);

/// http://HOST[:PORT][/PATH], also https, without user and fragment.
void check_url(const Section& section, const std::string& key, const std::string& url);
/// HOST:PORT.
void check_address(const Section& section, const std::string& key, const std::string& address);

/// The host of what `check_url` or `check_address` took, without a port; an IPv6 address without its brackets.
std::string host_of(const std::string& url_or_address);

/// A manifest of which `root` is the table, from TOML or JSON alike.
Manifest read(const toml::Value& root, const std::string& path, const Reading& reading);

}  // namespace wrktalk::release_manifest
