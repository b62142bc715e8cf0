/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands print with: captured names made harmless, JSON, and the check that all of it
 * arrived. */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <stdio.h>

struct cJSON;

/* Writes text with its control characters made visible, see printable_append(). */
void output_printable(FILE *out, const char *text);

/* Writes a JSON value on one line, without a newline after it. Control characters that JSON would
 * let through to a terminal are escaped too. 0 or -ENOMEM; failed writes are for output_finish().
 */
int output_json(FILE *out, const struct cJSON *json);

/* The same for a value that was just made: takes it over; NULL, as from a maker without memory, is
 * -ENOMEM. */
int output_json_value(FILE *out, struct cJSON *json);

/* The same, and a newline. */
int output_json_line(FILE *out, struct cJSON *json);

/* Writes out what is buffered. 0, -EPIPE when the reader went away, or another error with its
 * message. */
int output_finish(FILE *out);

/* Prints "nslapse: " and the words on standard error. */
void output_message(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* "1 process", "2 processes". */
void output_count(FILE *out, long long count, const char *one, const char *many);

#endif
