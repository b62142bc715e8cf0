/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/evidence.h"

#include "base/error.h"
#include "base/text.h"

#include <string.h>
#include <unistd.h>

/* The column that names it, -1 for kinds that have none. */
static int evidence_column(enum kind kind)
{
    return kind == KIND_CONTAINER ? (int)CONTAINER_EVIDENCE
           : kind == KIND_PROCESS ? (int)PROCESS_ENVIRONMENT
                                  : -1;
}

static int nothing_kept(const struct record *record)
{
    _cleanup_buffer_ struct buffer key = {0};
    record_append_key(&key, record);
    return error_set(ENOENT, "no evidence was kept of %s%s", buffer_text(&key),
                     record->kind == KIND_PROCESS ? "; 'nslapse record --with environment' does"
                                                  : "");
}

static int write_bytes(const char *bytes, size_t length)
{
    _cleanup_buffer_ struct buffer text = {0}, shown = {0};
    if (!isatty(STDOUT_FILENO))
        return fwrite(bytes, 1, length, stdout) == length
                   ? 0
                   : error_set(errno, "cannot write: %s", strerror(errno));
    text_append_captured(&text, bytes, length);
    text_append_printable(&shown, buffer_text(&text), text.length);
    buffer_append_char(&shown, '\n');
    if (text.failed || shown.failed)
        return error_memory();
    fputs(buffer_text(&shown), stdout);
    return 0;
}

int evidence_show(struct database *database, const struct record *record)
{
    _cleanup_free_ void *bytes = NULL;
    size_t length;
    struct digest digest;
    int column = evidence_column(record->kind);
    const char *name = column < 0 ? NULL : record_text(record, (unsigned)column);
    if (!name || !digest_parse(name, &digest))
        return nothing_kept(record);
    int r = blob_read(database, &digest, &bytes, &length);
    return r < 0 ? r : write_bytes(bytes, length);
}
