// SPDX-License-Identifier: Apache-2.0
#include "core/observe/library.hpp"

#include "core/base/error.hpp"

#include <dlfcn.h>
#include <string>

namespace wrktalk::observe::mhd {
namespace {

constexpr const char* kName = "libmicrohttpd.so.12";

base::Error missing() {
  const char* reason = ::dlerror();
  return base::Error(base::Kind::configuration,
                     std::string("cannot load ") + kName + (reason == nullptr ? "" : std::string(": ") + reason),
                     "install the package libmicrohttpd12 (libmicrohttpd12t64 from Debian 13 on), or leave out --http");
}

template <class Function>
void find(void* handle, const char* name, Function& function) {
  function = reinterpret_cast<Function>(::dlsym(handle, name));
  if (function == nullptr) throw missing();
}

Library load() {
  void* handle = ::dlopen(kName, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (handle == nullptr) throw missing();
  Library out{};
  find(handle, "MHD_start_daemon", out.start_daemon);
  find(handle, "MHD_stop_daemon", out.stop_daemon);
  find(handle, "MHD_create_response_from_buffer", out.create_response_from_buffer);
  find(handle, "MHD_add_response_header", out.add_response_header);
  find(handle, "MHD_queue_response", out.queue_response);
  find(handle, "MHD_destroy_response", out.destroy_response);
  return out;
}

}  // namespace

const Library& library() {
  static const Library kLibrary = load();
  return kLibrary;
}

}  // namespace wrktalk::observe::mhd
