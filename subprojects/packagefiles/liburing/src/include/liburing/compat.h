/* SPDX-License-Identifier: Apache-2.0 */
/* What liburing's configure finds on Linux 5.6 and later. */
#ifndef LIBURING_COMPAT_H
#define LIBURING_COMPAT_H

#include <linux/openat2.h>
#include <linux/time_types.h>

#endif
