/* SPDX-License-Identifier: Apache-2.0 */
/* What the formats share: handing text on to the stream. */
#ifndef EXPORT_OUTPUT_H
#define EXPORT_OUTPUT_H

#include "base/buffer.h"
#include "export/export.h"

#include <stdio.h>

/* Writes what `text` holds to `out` and empties it. 0, -ENOMEM when the text was cut short, or
 * -errno of the failed write, each with its message. */
int output_flush(FILE *out, struct buffer *text);

/* The formats' writers, see struct export_format. */
int json_write(const struct export_request *request);
int graphs_write(const struct export_request *request);

/* Names of the graphs that graphs_write() draws, NULL-terminated. */
extern const char *const graph_names[];

#endif
