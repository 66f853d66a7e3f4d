// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace wrktalk::test {

/// Whether a part that a case needs is there, as `found` says. When it is not, the case is skipped: a line "SKIP: CASE: no SERVICE: REASON" is
/// printed and the program exits with 77 unless something fails; or, when WRKTALK_TEST_REQUIRE names the service, fails. A case begins
/// with `if (!have(...)) return;`.
bool have(const std::string& service, bool found, const std::string& reason);

/// Whether a case was skipped so.
bool any_skipped();

}  // namespace wrktalk::test
