/* SPDX-License-Identifier: Apache-2.0 */
/* One value of a record, for people. */
#ifndef CLI_CELL_H
#define CLI_CELL_H

#include "base/buffer.h"

struct cJSON;
struct record;

/* Appends the value of a column as printable text: "-" where it is null, local time, yes and no,
 * the words of a command line quoted for a shell, lists with commas, objects as name=value. Nothing
 * in it can steer a terminal. */
void cell_append(struct buffer *buffer, const struct record *record, unsigned column);

/* Appends a JSON value in the same way. */
void cell_append_json(struct buffer *buffer, const struct cJSON *json);

#endif
