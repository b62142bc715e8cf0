/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/short_ids.h"

#include <string.h>

enum { LONG = 64, SHORT = 12 };

/* One for each container that it is in: "docker:5b94.../c3d2...", and what isn't random between. */
void short_ids_append(struct buffer *buffer, const char *text)
{
    while (*text) {
        size_t part = strcspn(text, ":/"), digits = strspn(text, "0123456789abcdef");
        buffer_append(buffer, text, part == LONG && digits == LONG ? SHORT : part);
        text += part;
        if (*text)
            buffer_append_char(buffer, *text++);
    }
}
