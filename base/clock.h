/* SPDX-License-Identifier: Apache-2.0 */
/* Moments are nanoseconds since 1970-01-01T00:00:00Z, durations nanoseconds, both int64_t. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

#define NSEC_PER_SEC INT64_C(1000000000)

/* "-" and a year of up to 12 digits included. */
enum { CLOCK_TEXT_SIZE = 48 };

/* The reading of `clock` (CLOCK_REALTIME, CLOCK_BOOTTIME, ...; clock_gettime(2)). */
int64_t clock_now(clockid_t clock);

/* RFC 3339 in UTC with nine digits of the second: 2026-11-23T14:00:00.000000000Z. Returns `text`.
 */
char *clock_format_utc(int64_t moment, char text[static CLOCK_TEXT_SIZE]);

/* For people: local time with its offset, to the second: 2026-11-23 14:00:00 +0100. Returns `text`.
 */
char *clock_format_local(int64_t moment, char text[static CLOCK_TEXT_SIZE]);

/* What people write for a moment, seen from `now`: 2026-11-23T14:00[:05[.25]][Z|+01:00] ("T" or a
 * space; without a zone it is local time), 2026-11-23, "2 hours ago", 3h, 90m, now, today,
 * yesterday, and whole seconds since 1970. Returns 0, or -ERROR_USAGE with its message. */
int clock_parse(const char *text, int64_t now, int64_t *ret_moment);

#endif
