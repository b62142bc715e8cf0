/* SPDX-License-Identifier: Apache-2.0 */
/* Calls with messages of protocol buffers: protobuf-c packs and unpacks them. What comes from an
 * engine is unpacked into an arena and within a bound: two bytes of an answer can make a hundred of
 * memory, and fields that we don't know are kept too. */
#ifndef RECORDER_ENGINES_UNPACK_H
#define RECORDER_ENGINES_UNPACK_H

#include "base/arena.h"
#include "recorder/engines/client.h"
#include "recorder/kernel/span.h"

#include <protobuf-c/protobuf-c.h>

/* How much memory the message of one answer may take. */
enum { ENGINE_UNPACKED_MOST = 256 << 20 };

/* A method of a service, and what it is answered with. */
struct engine_method {
    const char *path; /* "/package.Service/Method" */
    const ProtobufCMessageDescriptor *response;
};

/* Unpacks a message. It lives as long as the arena, and isn't to be released otherwise. Strings end
 * at a NUL, also one within; they need not be UTF-8. -EPROTO for what is no such message, -EFBIG
 * when it takes more than ENGINE_UNPACKED_MOST, -ENOMEM; without a message. */
int engine_unpack(const ProtobufCMessageDescriptor *descriptor, struct span packed,
                  struct arena *arena, const ProtobufCMessage **ret_message);

/* engine_client_call() with messages; the errors of both, each with its message. */
int engine_call(struct engine_client *client, const struct engine_method *method,
                const struct engine_metadata *metadata, const ProtobufCMessage *request,
                struct arena *arena, const ProtobufCMessage **ret_response);

#endif
