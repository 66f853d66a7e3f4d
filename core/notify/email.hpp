// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/notify/mime.hpp"
#include "core/notify/notification.hpp"

namespace wrktalk::notify {

/// The mail that tells the notification. An event that is not among `events()` is told in its own words.
EmailContent compose(const Notification& notification);

}  // namespace wrktalk::notify
