// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/pulse.hpp"

#include <string>

/// What the site really answers, whatever its proxy says of itself.
namespace wrktalk::maintenance {

struct SiteAnswer {
  int status = 0;       ///< 0: there was no answer
  std::string trouble;  ///< why not

  bool in_maintenance() const noexcept { return status == 503; }
};

/// Asks once, five seconds at most. Redirects are not followed, and no certificate is checked: only the status is looked at.
SiteAnswer ask_site(const std::string& url, base::Pulse& pulse);

/// Asks until the site is in maintenance, or out of it, as wanted; some seconds at most. The last answer.
SiteAnswer await_site(const std::string& url, bool in_maintenance, base::Pulse& pulse);

}  // namespace wrktalk::maintenance
