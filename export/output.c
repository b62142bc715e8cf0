/* SPDX-License-Identifier: Apache-2.0 */
#include "export/output.h"

#include "base/error.h"

#include <errno.h>
#include <string.h>

int output_flush(FILE *out, struct buffer *text)
{
    int r = buffer_error(text);
    if (r < 0)
        return r;
    errno = 0;
    size_t written = fwrite(buffer_text(text), 1, text->length, out);
    if (written != text->length) {
        int code = errno ? errno : EIO;
        return error_set(code, "cannot write the export: %s", strerror(code));
    }
    buffer_clear(text);
    return 0;
}
