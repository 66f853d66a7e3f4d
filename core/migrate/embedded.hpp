// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

/// The files of migrations/ as they were when the program was built.
namespace wrktalk::migrate {

struct EmbeddedFile {
  std::string_view set;   ///< the folder: "checkpoint"
  std::string_view name;  ///< "001_create_checkpointer_tables.up.sql"
  std::string_view content;
};

extern const EmbeddedFile* const embedded_begin;
extern const EmbeddedFile* const embedded_end;

}  // namespace wrktalk::migrate
