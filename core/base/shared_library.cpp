// SPDX-License-Identifier: Apache-2.0
#include "core/base/shared_library.hpp"

#include "core/base/error.hpp"

#include <dlfcn.h>
#include <utility>

namespace wrktalk::base {
namespace {

std::string reason() {
  const char* text = ::dlerror();
  return text == nullptr ? "unknown error" : text;
}

}  // namespace

SharedLibrary::SharedLibrary(const char* name, std::string hint)
    : handle_(::dlopen(name, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE)), hint_(std::move(hint)) {
  if (handle_ == nullptr) throw Error(Kind::configuration, std::string("cannot load ") + name + ": " + reason(), hint_);
}

void* SharedLibrary::symbol(const char* name) const {
  void* found = ::dlsym(handle_, name);
  if (found == nullptr) throw Error(Kind::configuration, std::string("cannot use ") + name + ": " + reason(), hint_);
  return found;
}

}  // namespace wrktalk::base
