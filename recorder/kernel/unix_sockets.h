/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/PID/net/unix: unix sockets and the paths that they were bound to. */
#ifndef RECORDER_KERNEL_UNIX_SOCKETS_H
#define RECORDER_KERNEL_UNIX_SOCKETS_H

#include "recorder/kernel/span.h"

struct unix_listener {
    uint64_t inode;   /* of the socket, as in the links of /proc/PID/fd */
    struct span path; /* as it was bound; '@' for the NUL of an abstract one */
};

/* Calls `each` for every stream socket that listens and has a name. Names stand in the file as they
 * are, with their newlines: whoever binds one can make lines of it that look like another socket's.
 * What is no line is left out. A negative return of `each` ends it, and is returned. */
int unix_sockets_parse(const char *bytes, size_t length,
                       int (*each)(void *userdata, const struct unix_listener *listener),
                       void *userdata);

#endif
