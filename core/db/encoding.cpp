// SPDX-License-Identifier: Apache-2.0
#include "core/db/encoding.hpp"

namespace wrktalk::db {

std::string lost_by_encoding(const std::string& encoding) {
  if (encoding == "UTF8" || encoding.empty()) return {};
  const std::string lacking = encoding == "SQL_ASCII" ? "other letters than ASCII's in JSON" : "letters that it lacks";
  return "the database's encoding is " + encoding + ", not UTF8: " + lacking +
         " are refused, so what tools and people say is stored in plain ASCII there";
}

}  // namespace wrktalk::db
