/* SPDX-License-Identifier: Apache-2.0 */
/* Files of "KEY = VALUE" lines, perhaps in sections: lxc.container.conf(5), what systemd keeps
 * below /run, and the Desktop Entry files of flatpak. */
#ifndef RECORDER_ENGINES_SETTINGS_H
#define RECORDER_ENGINES_SETTINGS_H

#include "recorder/kernel/span.h"

/* Captured bytes without the blanks and the pair of quotes around them. Borrowed. */
struct setting {
    struct span section; /* "Context" for those behind [Context]; empty before the first one */
    struct span key;     /* never empty */
    struct span value;   /* may be empty */
};

/* Calls `each` for every line that has a '=', in their order, but for comments (# or ;). A negative
 * return of `each` ends it and is returned. */
int settings_parse(const char *bytes, size_t length,
                   int (*each)(void *userdata, const struct setting *setting), void *userdata);

#endif
