// SPDX-License-Identifier: Apache-2.0
#include "core/maintenance/probe.hpp"

#include "core/base/error.hpp"
#include "core/http/http.hpp"

namespace wrktalk::maintenance {
namespace {

using base::Deadline;
using base::Error;
using base::Kind;

constexpr std::chrono::seconds kPatience{5};
constexpr std::chrono::milliseconds kPause{250};

}  // namespace

SiteAnswer ask_site(const std::string& url, base::Pulse& pulse) {
  http::Options options;
  options.verify = false;
  options.plain = true;
  options.status_only = true;
  options.limit_bytes = 1;
  options.connect_timeout = kPatience;
  options.timeout = kPatience;
  SiteAnswer answer;
  try {
    answer.status = http::Client(options)
                        .send({"GET", url, {{"Cache-Control", "no-cache"}}, ""}, pulse, Deadline::in(kPatience))
                        .status;
  } catch (const Error& e) {
    if (e.kind() != Kind::configuration && e.kind() != Kind::connection_lost) throw;
    answer.trouble = e.what();
  }
  return answer;
}

SiteAnswer await_site(const std::string& url, bool in_maintenance, base::Pulse& pulse) {
  const Deadline until = Deadline::in(kPatience);
  for (;;) {
    SiteAnswer answer = ask_site(url, pulse);
    if ((answer.status != 0 && answer.in_maintenance() == in_maintenance) || until.passed()) return answer;
    base::pause(pulse, base::sooner(until, Deadline::in(kPause)));
  }
}

}  // namespace wrktalk::maintenance
