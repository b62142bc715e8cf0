/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/evidence.h"

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/entity.h"

#include <cjson/cJSON.h>
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

/* 1 where nothing was kept. */
static int read_evidence(struct database *database, const struct record *record, void **ret_bytes,
                         size_t *ret_length)
{
    struct digest digest;
    int column = evidence_column(record->kind);
    const char *name = column < 0 ? NULL : record_text(record, (unsigned)column);
    if (!name || !digest_parse(name, &digest))
        return 1;
    return blob_read(database, &digest, ret_bytes, ret_length);
}

/* ---- as it is ---- */

static int show_one(struct database *database, const struct record *record)
{
    _cleanup_free_ void *bytes = NULL;
    size_t length;
    int r = read_evidence(database, record, &bytes, &length);
    if (r > 0)
        return nothing_kept(record);
    return r < 0 ? r : write_bytes(bytes, length);
}

static int print_heading(const struct record *record, bool first)
{
    _cleanup_buffer_ struct buffer key = {0};
    entity_append(&key, record);
    int r = buffer_error(&key);
    if (r >= 0)
        printf("%s==> %s <==\n", first ? "" : "\n", buffer_text(&key));
    return r;
}

/* What is missing is told at the end, when the others have been shown. A document has no newline
 * behind it. */
static int show_several(struct database *database, const struct records *things)
{
    bool terminal = isatty(STDOUT_FILENO);
    int missing = 0;
    for (size_t i = 0; i < things->count; i++) {
        int r = print_heading(things->items[i], i == 0);
        if (r >= 0)
            r = show_one(database, things->items[i]);
        if (r == -ENOENT)
            missing = r;
        else if (r < 0)
            return r;
        else if (!terminal)
            putchar('\n');
    }
    return missing;
}

int evidence_show(struct database *database, const struct records *things)
{
    return things->count == 1 ? show_one(database, things->items[0])
                              : show_several(database, things);
}

/* ---- as JSON ---- */

/* NAME=VALUE, with a NUL behind each. */
static cJSON *list_of_variables(const char *bytes, size_t length)
{
    _cleanup_buffer_ struct buffer list = {0};
    buffer_append_char(&list, '[');
    for (const char *end = bytes + length; bytes < end;) {
        size_t variable = strnlen(bytes, (size_t)(end - bytes));
        if (list.length > 1)
            buffer_append_char(&list, ',');
        json_append_captured(&list, bytes, variable);
        bytes += variable + 1;
    }
    buffer_append_char(&list, ']');
    return list.failed ? NULL : cJSON_CreateRaw(buffer_text(&list));
}

int evidence_json(struct database *database, const struct record *record, cJSON **ret_json)
{
    _cleanup_free_ void *bytes = NULL;
    size_t length = 0;
    int r = read_evidence(database, record, &bytes, &length);
    if (r < 0)
        return r;
    bool document = r == 0 && record->kind == KIND_CONTAINER;
    cJSON *json = document ? cJSON_ParseWithLength(bytes, length)
                  : r > 0  ? cJSON_CreateNull()
                           : list_of_variables(bytes, length);
    if (!json)
        return document ? error_set(EBADMSG, "what was kept is no JSON; leave --json out")
                        : error_memory();
    *ret_json = json;
    return 0;
}
