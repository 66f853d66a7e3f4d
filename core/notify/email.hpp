// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/notify/mime.hpp"
#include "core/notify/news.hpp"

namespace wrktalk::notify {

/// The mail that tells the news. An event that is not among `events()` is told in its own words.
Letter compose(const News& news);

}  // namespace wrktalk::notify
