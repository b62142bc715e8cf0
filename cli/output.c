/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/output.h"

#include "base/buffer.h"
#include "base/error.h"
#include "base/json.h"
#include "cli/printable.h"
#include "cli/terminal.h"

#include <cjson/cJSON.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

/* Where there is no memory left to do it better, as in the message that says so. */
static void print_ascii(FILE *out, const char *text)
{
    for (const char *at = text; *at; at++)
        fputc(*at >= ' ' && *at <= '~' ? *at : '?', out);
}

void output_printable(FILE *out, const char *text)
{
    _cleanup_buffer_ struct buffer printable = {0};
    printable_append(&printable, text, strlen(text));
    if (printable.failed)
        print_ascii(out, text);
    else
        fwrite(buffer_text(&printable), 1, printable.length, out);
}

int output_json(FILE *out, const struct cJSON *json)
{
    _cleanup_buffer_ struct buffer shown = {0};
    char *text = cJSON_PrintUnformatted(json);
    if (!text)
        return error_memory();
    json_append_harmless(&shown, text, strlen(text));
    cJSON_free(text);
    int r = buffer_error(&shown);
    if (r < 0)
        return r;
    fwrite(buffer_text(&shown), 1, shown.length, out);
    return 0;
}

int output_json_value(FILE *out, struct cJSON *json)
{
    if (!json)
        return error_memory();
    int r = output_json(out, json);
    cJSON_Delete(json);
    return r;
}

int output_json_line(FILE *out, struct cJSON *json)
{
    int r = output_json_value(out, json);
    fputc('\n', out);
    return r;
}

/* An earlier write has failed, and its errno is gone: another one fails in the same way. What is
 * missing in the output by now is more than the newline that may come with it. */
static int lost_error(FILE *out)
{
    clearerr(out);
    errno = 0;
    bool failed = fputc('\n', out) == EOF || fflush(out) != 0;
    return failed && errno ? errno : EIO;
}

int output_finish(FILE *out)
{
    int code = 0;
    if (fflush(out) != 0)
        code = errno;
    else if (ferror(out))
        code = lost_error(out);
    if (!code)
        return 0;
    return error_set(code,
                     "could not write to standard output: %s; send it elsewhere, or make room",
                     strerror(code));
}

void output_message(const char *format, ...)
{
    char text[4096]; /* no allocation: the message may be that there is no memory left */
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    fprintf(stderr, "%snslapse:%s ", terminal_style(stderr, STYLE_ERROR),
            terminal_style(stderr, STYLE_PLAIN));
    output_printable(stderr, text);
    fputc('\n', stderr);
}

void output_count(FILE *out, long long count, const char *one, const char *many)
{
    fprintf(out, "%lld %s", count, count == 1 ? one : many);
}
