/* SPDX-License-Identifier: Apache-2.0 */
/* Reads all engines that were found, each in a process of its own, several at once, within bounds
 * of time and memory. */
#ifndef RECORDER_ENGINES_READERS_H
#define RECORDER_ENGINES_READERS_H

#include "recorder/engines/known.h"
#include "recorder/engines/message.h"
#include "recorder/engines/search.h"

/* How long an engine has, in milliseconds, unless said otherwise. Three quarters of it are for its
 * questions; its reader has twice as long in all, since with 5000 containers there is much to hand
 * over; and all readers together five times. */
enum { ENGINE_MILLISECONDS = 2000 };

/* ... for files alone, of a copied tree that nobody else works with. */
enum { COPY_MILLISECONDS = 120000 };

struct engine_readers {
    const struct host *host;
    const struct engines_found *found;
    const struct known_containers *known;
    bool environment;
    uint32_t milliseconds; /* 0 for ENGINE_MILLISECONDS */
    /* Told of each message of a container or of a gap; a reader that didn't come to its end becomes
     * gaps too. 0 or an error that ends the reading. Those that are believed first need not come
     * first. */
    int (*take)(void *userdata, const struct engine_found *found,
                const struct engine_message *message);
    void *userdata;
};

/* The recorder must have no other thread meanwhile. */
int engine_readers_run(const struct engine_readers *readers);

#endif
