// SPDX-License-Identifier: Apache-2.0
#pragma once

// glibc 2.36 forgot to say so itself.
extern "C" {
#include <sys/pidfd.h>
}
