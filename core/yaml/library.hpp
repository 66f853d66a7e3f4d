// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <yaml.h>

namespace wrktalk::yaml {

/// libyaml's functions that the reader uses, by their names without "yaml_".
struct Libyaml {
  decltype(&::yaml_parser_initialize) parser_initialize;
  decltype(&::yaml_parser_delete) parser_delete;
  decltype(&::yaml_parser_set_input_string) parser_set_input_string;
  decltype(&::yaml_parser_set_encoding) parser_set_encoding;
  decltype(&::yaml_parser_parse) parser_parse;
  decltype(&::yaml_event_delete) event_delete;
};

/// Loaded at the first call (docs/adr/0008). Throws Error(configuration) when it is not installed.
const Libyaml& libyaml();

}  // namespace wrktalk::yaml
