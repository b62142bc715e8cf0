/* SPDX-License-Identifier: Apache-2.0 */
/* Within a reader: the work on one place of an engine. What engines see of it is in engine.h. */
#ifndef RECORDER_ENGINES_READING_H
#define RECORDER_ENGINES_READING_H

#include "base/arena.h"
#include "recorder/engines/engine.h"
#include "recorder/engines/json.h"
#include "recorder/engines/known.h"
#include "recorder/engines/search.h"

/* What holds for all places of one reader. */
struct engine_reader {
    const struct known_containers *known;
    int proc;                        /* of the host: its processes, live or copied */
    uint32_t questions_milliseconds; /* for all of what is asked */
    uint32_t place;                  /* number of the place, for its messages */
    bool live;                       /* the host is: engines can be asked */
    bool environment;                /* values of environment variables are wanted */
    int (*write)(void *userdata, const struct buffer *message); /* 0, or it ends the reading */
    void *userdata;
};

/* The work on one place. */
struct engine_reading {
    const struct engine_reader *reader;
    const struct engine_found *found;
    struct engine_client *client;
    const char *tier;
    struct arena *arena;  /* of the container begun */
    struct record record; /* the container begun */
    bool failed;          /* ... for which there was no memory */
    bool pid_is_ours;
    struct buffer groups, evidence, text, message;
    size_t count;
    struct process_parent *parents; /* of the host's processes, once they are asked for: kept.c */
    size_t parent_count;
};

/* Reads one place: asks where somebody can be asked, else reads files. What fails is written as
 * gaps. 0, or the error that ends the reader. */
int engine_read_place(const struct engine_reader *reader, const struct engine_found *found);

#endif
