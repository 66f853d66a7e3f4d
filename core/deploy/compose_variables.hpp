// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/yaml/document.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace wrktalk::deploy::compose {

/// A '$' in a compose file, which compose reads as a variable.
struct Use {
  enum class Form {
    plain,     ///< $NAME, ${NAME}: without a value nothing is put in
    guarded,   ///< ${NAME:-...}, ${NAME:+...}: the file says what is put in then
    required,  ///< ${NAME:?...}: compose refuses the file without a value
    lone,      ///< begins no variable: v2 lets it stand, v1 refuses the file
    broken,    ///< `${` that neither reads
  };
  Form form = Form::plain;
  std::string name;
  std::size_t line = 0;
  const std::string* scalar = nullptr;  ///< in which it stands; as long as the document lives
};

/// All of a compose file's values, extensions (`x-`) left out; `$$` stands for a '$' and is none.
std::vector<Use> variables(const yaml::Node& root);

}  // namespace wrktalk::deploy::compose
