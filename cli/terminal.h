/* SPDX-License-Identifier: Apache-2.0 */
/* Colours, and the progress line. */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum terminal_color { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

/* By enum terminal_color, NULL-terminated. */
extern const char *const terminal_color_names[];

enum style {
    STYLE_PLAIN,
    STYLE_HEADING,
    STYLE_FAINT,
    STYLE_ADDED,
    STYLE_REMOVED,
    STYLE_CHANGED,
    STYLE_UNOBSERVED,
    STYLE_ERROR,
};

/* Sets LC_CTYPE. What nslapse writes is UTF-8 in every locale, and its characters' widths have to
 * be known for that. Called once, first. */
void terminal_setup_characters(void);

/* Whether only ASCII may be written: the locale is not one of UTF-8, and the output goes to a
 * terminal. */
bool terminal_is_ascii(void);

/* Decides for both output streams. With COLOR_AUTO a stream has colours when it is a terminal, TERM
 * is not "dumb" and NO_COLOR (no-color.org) is empty. */
void terminal_setup(enum terminal_color color);

bool terminal_has_color(const FILE *out);

/* The escape sequence that begins `style` on this stream; "" where there are no colours. */
const char *terminal_style(const FILE *out, enum style style);

/* A line on standard error that says how far a long work is. It shows itself on a terminal alone,
 * and after the first second. Any thread; it needs no end but terminal_progress_end(). */
void terminal_progress_begin(void);
void terminal_progress(const char *what, size_t done, size_t total);
void terminal_progress_end(void);

#endif
