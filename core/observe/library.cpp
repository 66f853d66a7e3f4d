// SPDX-License-Identifier: Apache-2.0
#include "core/observe/library.hpp"

#include "core/base/shared_library.hpp"

namespace wrktalk::observe::mhd {
namespace {

Library load() {
  const base::SharedLibrary library(
      "libmicrohttpd.so.12",
      "install the package libmicrohttpd12 (libmicrohttpd12t64 from Debian 13 on); the agent works without --http");
  Library out{};
  library.find("MHD_start_daemon", out.start_daemon);
  library.find("MHD_stop_daemon", out.stop_daemon);
  library.find("MHD_run", out.run);
  library.find("MHD_add_connection", out.add_connection);
  library.find("MHD_get_timeout", out.get_timeout);
  library.find("MHD_get_daemon_info", out.get_daemon_info);
  library.find("MHD_get_connection_info", out.get_connection_info);
  library.find("MHD_lookup_connection_value", out.lookup_connection_value);
  library.find("MHD_suspend_connection", out.suspend_connection);
  library.find("MHD_resume_connection", out.resume_connection);
  library.find("MHD_create_response_from_buffer", out.create_response_from_buffer);
  library.find("MHD_create_response_from_callback", out.create_response_from_callback);
  library.find("MHD_add_response_header", out.add_response_header);
  library.find("MHD_queue_response", out.queue_response);
  library.find("MHD_destroy_response", out.destroy_response);
  return out;
}

}  // namespace

const Library& library() {
  static const Library kLibrary = load();
  return kLibrary;
}

}  // namespace wrktalk::observe::mhd
