// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <clocale>

namespace wrktalk::artifact {

/// libarchive converts names through the locale: in "C" every name beyond ASCII would be refused.
class Utf8Locale {
 public:
  Utf8Locale() : ours_(::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)) {
    if (ours_ != nullptr) before_ = ::uselocale(ours_);
  }
  Utf8Locale(const Utf8Locale&) = delete;
  Utf8Locale& operator=(const Utf8Locale&) = delete;
  ~Utf8Locale() {
    if (ours_ == nullptr) return;
    ::uselocale(before_);
    ::freelocale(ours_);
  }

 private:
  locale_t ours_;
  locale_t before_ = nullptr;
};

}  // namespace wrktalk::artifact
