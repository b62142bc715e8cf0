/* SPDX-License-Identifier: Apache-2.0 */
/* An engine that plays a script of bytes to everyone who connects to its socket. */
#ifndef TESTS_UNIT_SCRIPT_H
#define TESTS_UNIT_SCRIPT_H

#include <stddef.h>
#include <sys/types.h>

enum script_action {
    SCRIPT_END,          /* says so, and reads what the other side still says */
    SCRIPT_RECEIVE,      /* looks at what comes: `bytes` have to be in it */
    SCRIPT_RECEIVE_HEAD, /* reads the header of a request of HTTP/1.1 */
    SCRIPT_RECEIVE_CALL, /* reads frames of HTTP/2 up to the end of a request */
    SCRIPT_SEND,
    SCRIPT_SEND_FOREVER,
    SCRIPT_DRIP, /* the same, with a while in between */
    SCRIPT_HANG,
    SCRIPT_STAY,  /* says no more, but stays until the other side goes */
    SCRIPT_CLOSE, /* as soon as something comes, without reading it */
};

struct script_step {
    enum script_action action;
    const char *bytes;
    size_t length;
};

#define RECEIVE(text)                                                                              \
    {                                                                                              \
        SCRIPT_RECEIVE, text, sizeof(text) - 1                                                     \
    }
#define RECEIVE_HEAD                                                                               \
    {                                                                                              \
        SCRIPT_RECEIVE_HEAD, NULL, 0                                                               \
    }
#define RECEIVE_CALL                                                                               \
    {                                                                                              \
        SCRIPT_RECEIVE_CALL, NULL, 0                                                               \
    }
#define SEND(text)                                                                                 \
    {                                                                                              \
        SCRIPT_SEND, text, sizeof(text) - 1                                                        \
    }
#define SEND_FOREVER(text)                                                                         \
    {                                                                                              \
        SCRIPT_SEND_FOREVER, text, sizeof(text) - 1                                                \
    }
#define DRIP(text)                                                                                 \
    {                                                                                              \
        SCRIPT_DRIP, text, sizeof(text) - 1                                                        \
    }
#define HANG                                                                                       \
    {                                                                                              \
        SCRIPT_HANG, NULL, 0                                                                       \
    }
#define STAY                                                                                       \
    {                                                                                              \
        SCRIPT_STAY, NULL, 0                                                                       \
    }
#define CLOSE                                                                                      \
    {                                                                                              \
        SCRIPT_CLOSE, NULL, 0                                                                      \
    }

struct script {
    char path[64]; /* of the socket */
    pid_t pid;
};

/* Starts the engine; it can be connected to when this returns. */
void script_start(struct script *script, const struct script_step *steps);

/* Ends it, and fails the test if the engine has not been asked what it waited for. */
void script_end(struct script *script);

#endif
