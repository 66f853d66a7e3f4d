// SPDX-License-Identifier: Apache-2.0
#include "core/http/library.hpp"

#include "core/base/error.hpp"
#include "core/base/shared_library.hpp"

#include <string>

namespace wrktalk::http::curl {
namespace {

using base::Error;
using base::Kind;

Library load() {
  const base::SharedLibrary library("libcurl.so.4", "install the package libcurl4 (libcurl4t64 from Debian 13 on)");
  Library out{};
  library.find("curl_global_init", out.global_init);
  library.find("curl_free", out.free);
  library.find("curl_easy_init", out.easy_init);
  library.find("curl_easy_cleanup", out.easy_cleanup);
  library.find("curl_easy_setopt", out.easy_setopt);
  library.find("curl_easy_getinfo", out.easy_getinfo);
  library.find("curl_easy_strerror", out.easy_strerror);
  library.find("curl_easy_send", out.easy_send);
  library.find("curl_easy_recv", out.easy_recv);
  library.find("curl_multi_init", out.multi_init);
  library.find("curl_multi_cleanup", out.multi_cleanup);
  library.find("curl_multi_add_handle", out.multi_add_handle);
  library.find("curl_multi_remove_handle", out.multi_remove_handle);
  library.find("curl_multi_perform", out.multi_perform);
  library.find("curl_multi_poll", out.multi_poll);
  library.find("curl_multi_fdset", out.multi_fdset);
  library.find("curl_multi_timeout", out.multi_timeout);
  library.find("curl_multi_info_read", out.multi_info_read);
  library.find("curl_multi_strerror", out.multi_strerror);
  library.find("curl_slist_append", out.slist_append);
  library.find("curl_slist_free_all", out.slist_free_all);
  library.find("curl_url", out.url);
  library.find("curl_url_cleanup", out.url_cleanup);
  library.find("curl_url_set", out.url_set);
  library.find("curl_url_get", out.url_get);
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
