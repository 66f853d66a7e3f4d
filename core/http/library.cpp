// SPDX-License-Identifier: Apache-2.0
#include "core/http/library.hpp"

#include "core/base/error.hpp"

#include <dlfcn.h>
#include <string>

namespace wrktalk::http::curl {
namespace {

using base::Error;
using base::Kind;

constexpr const char* kName = "libcurl.so.4";

Error missing() {
  const char* reason = ::dlerror();
  return Error(Kind::failed,
               std::string("cannot load ") + kName + (reason == nullptr ? "" : std::string(": ") + reason),
               "install the package libcurl4 (libcurl4t64 from Debian 13 on)");
}

template <class Function>
void find(void* handle, const char* name, Function& function) {
  function = reinterpret_cast<Function>(::dlsym(handle, name));
  if (function == nullptr) throw missing();
}

Library load() {
  // Never unloaded: its resolver threads and OpenSSL's tables may outlive a transfer.
  void* handle = ::dlopen(kName, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (handle == nullptr) throw missing();
  Library out{};
  find(handle, "curl_global_init", out.global_init);
  find(handle, "curl_free", out.free);
  find(handle, "curl_easy_init", out.easy_init);
  find(handle, "curl_easy_cleanup", out.easy_cleanup);
  find(handle, "curl_easy_setopt", out.easy_setopt);
  find(handle, "curl_easy_getinfo", out.easy_getinfo);
  find(handle, "curl_easy_strerror", out.easy_strerror);
  find(handle, "curl_easy_send", out.easy_send);
  find(handle, "curl_easy_recv", out.easy_recv);
  find(handle, "curl_multi_init", out.multi_init);
  find(handle, "curl_multi_cleanup", out.multi_cleanup);
  find(handle, "curl_multi_add_handle", out.multi_add_handle);
  find(handle, "curl_multi_remove_handle", out.multi_remove_handle);
  find(handle, "curl_multi_perform", out.multi_perform);
  find(handle, "curl_multi_poll", out.multi_poll);
  find(handle, "curl_multi_fdset", out.multi_fdset);
  find(handle, "curl_multi_timeout", out.multi_timeout);
  find(handle, "curl_multi_info_read", out.multi_info_read);
  find(handle, "curl_multi_strerror", out.multi_strerror);
  find(handle, "curl_slist_append", out.slist_append);
  find(handle, "curl_slist_free_all", out.slist_free_all);
  find(handle, "curl_url", out.url);
  find(handle, "curl_url_cleanup", out.url_cleanup);
  find(handle, "curl_url_set", out.url_set);
  find(handle, "curl_url_get", out.url_get);
  const CURLcode code = out.global_init(CURL_GLOBAL_DEFAULT);
  if (code != CURLE_OK) throw Error(Kind::failed, std::string("cannot initialise libcurl: ") + out.easy_strerror(code));
  return out;
}

}  // namespace

const Library& library() {
  static const Library kLibrary = load();
  return kLibrary;
}

}  // namespace wrktalk::http::curl
