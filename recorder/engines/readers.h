/* SPDX-License-Identifier: Apache-2.0 */
/* Reads all engines that were found, each in a process of its own, several at once, within bounds
 * of time and memory. */
#ifndef RECORDER_ENGINES_READERS_H
#define RECORDER_ENGINES_READERS_H

#include "recorder/engines/known.h"
#include "recorder/engines/message.h"
#include "recorder/engines/search.h"

/* How long one reader has, in milliseconds: for its questions, and in all; all of them together;
 * and for files alone, of a copied tree that nobody else works with. */
enum {
    QUESTIONS_MILLISECONDS = 1500,
    READER_MILLISECONDS = 4000,
    READERS_MILLISECONDS = 10000,
    COPY_MILLISECONDS = 120000
};

struct engine_readers {
    const struct host *host;
    const struct engines_found *found;
    const struct known_containers *known;
    bool environment;
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
