/* SPDX-License-Identifier: Apache-2.0 */
/* What gRPC has beyond HTTP/2: the prefix of a message, and the status of a call.
 * See PROTOCOL-HTTP2.md and statuscodes.md in the documentation of gRPC. */
#ifndef RECORDER_ENGINES_GRPC_H
#define RECORDER_ENGINES_GRPC_H

#include "base/buffer.h"
#include "recorder/kernel/span.h"

enum { GRPC_PREFIX = 5 /* bytes: whether it is compressed, and the length, big endian */ };

/* Appends a message, not compressed, with its prefix. -EFBIG for more than 32 bits can say; memory
 * that ran out is told by the buffer. */
int grpc_append_message(struct buffer *into, const void *message, size_t length);

/* The message of an answer that holds exactly one; borrowed from `answer`. Without a message of its
 * own, as whose answer it is isn't known here: -ENODATA when it ends too early, -EPROTO when
 * something follows or the message is compressed, which we never asked for. */
int grpc_find_message(struct span answer, struct span *ret_message);

/* The errno, positive, for a status other than 0: EOPNOTSUPP for UNIMPLEMENTED (that service isn't
 * there), ENOENT for NOT_FOUND, EACCES for PERMISSION_DENIED and UNAUTHENTICATED, ETIMEDOUT for
 * DEADLINE_EXCEEDED, ENOBUFS for RESOURCE_EXHAUSTED (the engine doesn't send as much), ..; EPROTO
 * for a number that there isn't. */
int grpc_code(uint64_t status);

#endif
