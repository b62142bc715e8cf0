/* SPDX-License-Identifier: Apache-2.0 */
/* Text for people. */
#ifndef CLI_PRINTABLE_H
#define CLI_PRINTABLE_H

#include "base/buffer.h"

/* Appends text as text_append_printable() does; where the output may reach a terminal that is not
 * one of UTF-8 (its bytes may steer it), the characters beyond ASCII come out as \u{HH} too. */
void printable_append(struct buffer *buffer, const char *text, size_t length);

#endif
