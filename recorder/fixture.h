/* SPDX-License-Identifier: Apache-2.0 */
/* Copying what the collectors read. */
#ifndef RECORDER_FIXTURE_H
#define RECORDER_FIXTURE_H

#include "recorder/host.h"

/* Copies into the folder `path` (new, or our own and empty), for its owner alone: proc/, sys/,
 * etc/; the processes' environments, which may hold secrets, only with `environment`. What cannot
 * be read stays absent, as does what belongs to a process that ends meanwhile. Errors have a
 * message. */
int fixture_capture(const struct host *host, bool environment, const char *path);

#endif
