/* SPDX-License-Identifier: Apache-2.0 */
/* What a reader of an engine tells the recorder, through a pipe. Both are the same program, but the
 * reader was fed by who isn't trusted: the recorder takes nothing for granted. */
#ifndef RECORDER_ENGINES_MESSAGE_H
#define RECORDER_ENGINES_MESSAGE_H

#include "base/buffer.h"
#include "schema/record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum engine_message_type {
    MESSAGE_CONTAINER = 1,
    MESSAGE_GAP,
    MESSAGE_DONE, /* with one place */
};

struct engine_message {
    enum engine_message_type type;
    uint32_t place; /* number of the place that it is about */
    /* MESSAGE_CONTAINER: */
    struct record record; /* texts are borrowed */
    bool pid_is_ours;     /* its pid is one of the recorder's pid namespace, not the engine's */
    const char *evidence; /* NULL for none */
    uint32_t evidence_length;
    /* MESSAGE_GAP: */
    int32_t code;       /* positive errno */
    const char *id;     /* of the container, NULL for the whole place */
    const char *detail; /* never NULL */
};

/* What is longer is damaged: an engine's answer, as text and as evidence, is shorter. */
enum { MESSAGE_MOST = 160 << 20 };

/* Appends the message. */
void engine_message_append(struct buffer *buffer, const struct engine_message *message);

/* The first message of `length` bytes: its length, 0 when more bytes must come first, or -EBADMSG.
 * `ret_message` borrows from `bytes`. */
int64_t engine_message_parse(const char *bytes, size_t length, struct engine_message *ret_message);

#endif
