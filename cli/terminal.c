/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/terminal.h"

#include "base/clock.h"
#include "base/text.h"
#include "cli/output.h"

#include <langinfo.h>
#include <locale.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *const terminal_color_names[] = {"auto", "always", "never", NULL};

static bool color_on_output, color_on_error, only_ascii;

void terminal_setup_characters(void)
{
    setlocale(LC_CTYPE, "");
    if (strcmp(nl_langinfo(CODESET), "UTF-8") == 0)
        return;
    bool unknown_widths = !setlocale(LC_CTYPE, "C.UTF-8");
    only_ascii = unknown_widths || isatty(STDOUT_FILENO) || isatty(STDERR_FILENO);
}

bool terminal_is_ascii(void)
{
    return only_ascii;
}

static bool wants_color(enum terminal_color color, int fd)
{
    if (color != COLOR_AUTO)
        return color == COLOR_ALWAYS;
    const char *refused = getenv("NO_COLOR"), *term = getenv("TERM");
    return !(refused && *refused) && term && strcmp(term, "dumb") != 0 && isatty(fd);
}

void terminal_setup(enum terminal_color color)
{
    color_on_output = wants_color(color, STDOUT_FILENO);
    color_on_error = wants_color(color, STDERR_FILENO);
}

bool terminal_has_color(const FILE *out)
{
    return out == stderr ? color_on_error : out == stdout && color_on_output;
}

const char *terminal_style(const FILE *out, enum style style)
{
    static const char *const sequences[] = {
        [STYLE_PLAIN] = "\033[0m",       [STYLE_HEADING] = "\033[1m",  [STYLE_FAINT] = "\033[2m",
        [STYLE_ADDED] = "\033[32m",      [STYLE_REMOVED] = "\033[31m", [STYLE_CHANGED] = "\033[33m",
        [STYLE_UNOBSERVED] = "\033[35m", [STYLE_ERROR] = "\033[1;31m",
    };
    return terminal_has_color(out) ? sequences[style] : "";
}

/* When the line may be written next; 0: no progress is shown. */
static struct {
    pthread_mutex_t mutex;
    int64_t next;
    bool shown;
} progress = {.mutex = PTHREAD_MUTEX_INITIALIZER};

void terminal_progress_begin(void)
{
    if (isatty(STDERR_FILENO))
        progress.next = clock_now(CLOCK_MONOTONIC) + NSEC_PER_SEC;
}

static void progress_write(const char *what, size_t done, size_t total)
{
    fputs("\r\033[K", stderr);
    output_printable(stderr, what);
    if (total)
        fprintf(stderr, " %zu of %zu", done, total);
    else if (done)
        fprintf(stderr, " %zu", done);
    fflush(stderr);
    progress.shown = true;
}

void terminal_progress(const char *what, size_t done, size_t total)
{
    /* Whoever finds it busy leaves it: the next one will tell. */
    if (pthread_mutex_trylock(&progress.mutex) != 0)
        return;
    int64_t now = progress.next ? clock_now(CLOCK_MONOTONIC) : 0;
    if (progress.next && now >= progress.next) {
        progress_write(what, done, total);
        progress.next = now + NSEC_PER_SEC / 10;
    }
    pthread_mutex_unlock(&progress.mutex);
}

void terminal_progress_end(void)
{
    pthread_mutex_lock(&progress.mutex);
    if (progress.shown)
        fputs("\r\033[K", stderr);
    progress.shown = false;
    progress.next = 0;
    pthread_mutex_unlock(&progress.mutex);
}
