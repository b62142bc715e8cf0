/* SPDX-License-Identifier: Apache-2.0 */
/* Random ids of containers as a terminal has room for them: of 64 hexadecimal digits the first
 * twelve, as the clients of engines show them. A pipe gets them whole. */
#ifndef CLI_SHORT_IDS_H
#define CLI_SHORT_IDS_H

#include "base/buffer.h"

/* Appends a container's id, or its engine:id, with short ids. */
void short_ids_append(struct buffer *buffer, const char *text);

#endif
