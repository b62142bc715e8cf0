/* SPDX-License-Identifier: Apache-2.0 */
/* Reading requests to a container engine, over its unix socket: HTTP/1.1 for JSON documents
 * (Docker, Podman), gRPC over HTTP/2 (containerd, CRI). libcurl speaks both; nothing in here does.
 *
 * Whoever listens there is not trusted. A client is bounded: by the time that all of its requests
 * take together, and by the bytes of one answer. It takes no proxy, follows no redirect, decodes no
 * compression and asks nobody but the socket, whatever the environment says.
 *
 * Connecting can have an effect: to a socket that a service manager holds for an engine that isn't
 * running, it starts the engine. So ask only where the listener is the engine itself.
 *
 * Threads: each client belongs to one thread at a time; several threads may have clients of their
 * own, and open them at once. No signal is raised or handled.
 *
 * Errors, each with its message, which names the socket and what was asked:
 *
 *   -ENOENT, -ECONNREFUSED, -EACCES, ..   nobody to connect to, as connect(2) says
 *   -ETIMEDOUT     the client's time was over: before the request, or while it was answered
 *   -ECONNRESET    the engine closed in the middle of its answer, or before it; also an answer to a
 *                  call that is no HTTP/2, which libcurl doesn't tell apart
 *   -EFBIG         the answer, or its header, is longer than the client takes
 *   -EPROTO        what came is not what the protocol says: garbage, another type of content, a
 *                  redirect, a message that isn't as long as it said
 *   -ENOMEM        we have no memory
 *   others         the engine's own answer, by its number: engine_http_code(), grpc_code()
 *
 * After an error the client can be used again: for the rest of its time. */
#ifndef RECORDER_ENGINES_CLIENT_H
#define RECORDER_ENGINES_CLIENT_H

#include "base/buffer.h"

#include <stddef.h>
#include <stdint.h>

enum {
    ENGINE_CLIENT_MILLISECONDS = 2000,    /* unless said otherwise */
    ENGINE_CLIENT_ANSWER_MOST = 64 << 20, /* bytes, unless said otherwise */
    ENGINE_CLIENT_HEADER_MOST = 64 << 10, /* bytes of one answer's header and trailer */
    ENGINE_CLIENT_SOCKET_PATH_MOST = 107, /* bytes, by unix(7) */
};

struct engine_client;

/* 0 stands for the number above. */
struct engine_client_limits {
    uint32_t milliseconds; /* for all requests of the client together; its time runs from the first
                              one on, also in between */
    size_t answer_bytes;   /* of one answer's body */
};

/* Connects to nobody yet. `socket_path` is copied; one in another mount namespace, or that is too
 * long, is reached as "/proc/thread-self/fd/N" with N a descriptor of the socket's file (O_PATH is
 * enough, see kernel/visitor.h), which has to stay open as long as the client is used. `limits` may
 * be NULL. -ENAMETOOLONG, -ENOMEM, or -ENOSYS where libcurl lacks unix sockets or HTTP/2. */
int engine_client_open(const char *socket_path, const struct engine_client_limits *limits,
                       struct engine_client **ret_client);

/* How messages call the socket; its path unless told. Borrowed. */
void engine_client_set_name(struct engine_client *client, const char *name);

void engine_client_close(struct engine_client *client);
DEFINE_CLEANUP(struct engine_client *, engine_client_close)
#define _cleanup_engine_client_ _cleanup_(engine_client_close_pointer)

/* GET of a JSON document: replaces what `body` holds by it (NUL-terminated, as each buffer); on
 * failure `body` is empty. `path` begins with '/', may have a query, and is sent as it is: -EINVAL
 * where a character would have to be escaped (RFC 3986), so that an id from an answer can't become
 * something else. Whether the document is JSON is the caller's to find out. */
int engine_client_get(struct engine_client *client, const char *path, struct buffer *body);

/* One header ("metadata") of a call, such as containerd-namespace. The value is visible ASCII and
 * blanks; -EINVAL for others. */
struct engine_metadata {
    const char *name;
    const char *value;
};

/* One unary gRPC call: `method` is "/package.Service/Method", `request` the serialised message
 * (NULL with length 0: an empty one), `metadata` may be NULL. Replaces what `response` holds by the
 * serialised answer; on failure `response` is empty. */
int engine_client_call(struct engine_client *client, const char *method,
                       const struct engine_metadata *metadata, const void *request, size_t length,
                       struct buffer *response);

/* What remains of the client's time, 0 when it is over; all of it before its first request. */
uint32_t engine_client_milliseconds_left(const struct engine_client *client);

/* The errno, positive, for an HTTP status that is not 200: ENOENT for 404, EACCES for 401 and 403,
 * EINVAL for 400, EOPNOTSUPP for 405 and 501, EBUSY for 409 and 503, EREMOTEIO for other errors,
 * and EPROTO for what no GET of ours is answered with. */
int engine_http_code(long status);

#endif
