// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace wrktalk::db {

/// What a database of this encoding loses of texts, for a warning; empty for UTF8. `encoding` is the server's name for it.
std::string lost_by_encoding(const std::string& encoding);

/// What to do about that.
constexpr const char* kEncodingHint =
    "make the database with CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0, and move what is in this one there";

}  // namespace wrktalk::db
