// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace wrktalk::base {

/// A shared library that is loaded when it is first used, so that commands which do without it pay nothing (docs/adr/0008).
/// It is never unloaded: what it started may outlive its last use. Keep the functions that were found, not this object.
class SharedLibrary {
 public:
  /// Throws Error(configuration) with `hint` when it is not installed.
  SharedLibrary(const char* name, std::string hint);

  /// Sets `function` to the library's of that name. Throws Error(configuration) when it has none.
  template <class Function>
  void find(const char* name, Function& function) const {
    function = reinterpret_cast<Function>(symbol(name));
  }

 private:
  void* symbol(const char* name) const;

  void* handle_;
  std::string hint_;
};

}  // namespace wrktalk::base
