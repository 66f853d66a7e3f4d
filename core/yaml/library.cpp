// SPDX-License-Identifier: Apache-2.0
#include "core/yaml/library.hpp"

#include "core/base/shared_library.hpp"

namespace wrktalk::yaml {
namespace {

Libyaml load() {
  const base::SharedLibrary library("libyaml-0.so.2", "install the package libyaml-0-2");
  Libyaml out{};
  library.find("yaml_parser_initialize", out.parser_initialize);
  library.find("yaml_parser_delete", out.parser_delete);
  library.find("yaml_parser_set_input_string", out.parser_set_input_string);
  library.find("yaml_parser_set_encoding", out.parser_set_encoding);
  library.find("yaml_parser_parse", out.parser_parse);
  library.find("yaml_event_delete", out.event_delete);
  return out;
}

}  // namespace

const Libyaml& libyaml() {
  static const Libyaml kLibrary = load();
  return kLibrary;
}

}  // namespace wrktalk::yaml
