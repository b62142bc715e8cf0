/* SPDX-License-Identifier: Apache-2.0 */
/* Ctrl-C (SIGINT), SIGTERM and SIGHUP for commands that have something to clean up. */
#ifndef CLI_INTERRUPT_H
#define CLI_INTERRUPT_H

#include <stdbool.h>

/* From now on the first such signal is only noted; a second one ends the program. */
void interrupt_note(void);

/* Whether one has come. Any thread. */
bool interrupt_came(void);

/* Ends the program by the signal that came, as whoever sent it expects; returns when none has come.
 * Buffered output has to be written out before. */
void interrupt_obey(void);

/* From now on such a signal first removes the file `path`, then ends the program. `path` is
 * borrowed until the call with NULL. */
void interrupt_remove(const char *path);

#endif
