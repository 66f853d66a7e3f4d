// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <microhttpd.h>

namespace wrktalk::observe::mhd {

/// libmicrohttpd's functions, by their names without "MHD_".
struct Library {
  decltype(&::MHD_start_daemon) start_daemon;
  decltype(&::MHD_stop_daemon) stop_daemon;
  decltype(&::MHD_run) run;
  decltype(&::MHD_add_connection) add_connection;
  decltype(&::MHD_get_timeout) get_timeout;
  decltype(&::MHD_get_daemon_info) get_daemon_info;
  decltype(&::MHD_get_connection_info) get_connection_info;
  decltype(&::MHD_lookup_connection_value) lookup_connection_value;
  decltype(&::MHD_suspend_connection) suspend_connection;
  decltype(&::MHD_resume_connection) resume_connection;
  decltype(&::MHD_create_response_from_buffer) create_response_from_buffer;
  decltype(&::MHD_create_response_from_callback) create_response_from_callback;
  decltype(&::MHD_add_response_header) add_response_header;
  decltype(&::MHD_queue_response) queue_response;
  decltype(&::MHD_destroy_response) destroy_response;
};

/// Loaded at the first call, so that only an agent with --http and the registry pay for it (docs/adr). Throws Error(configuration) when it is not installed.
const Library& library();

}  // namespace wrktalk::observe::mhd
