/* SPDX-License-Identifier: Apache-2.0 */
/* Which containers the path of a cgroup names. Engines put each container into a cgroup whose name
 * they make of its id; that name is often all that is left to be seen of an engine. */
#ifndef RECORDER_CGROUP_NAMES_H
#define RECORDER_CGROUP_NAMES_H

#include "base/buffer.h"
#include "recorder/kernel/span.h"

/* Containers in containers in containers: what is deeper is taken for the innermost of these. */
enum { CGROUP_NAMES_MOST = 8 };

struct cgroup_name {
    const char *engine; /* "docker"; "cri" where the name doesn't tell which one it is */
    const char *prefix; /* of the id: "k8s.io/", or "" */
    struct span id;     /* as it stands in the path */
    bool escaped;       /* ... by systemd, see systemd.unit(5) */
    bool is_name;       /* ... a name that somebody has given, no random number */
    size_t end;         /* length of the path up to the end of this container's own cgroup */
};

/* The containers along the path, the outermost first. Returns how many. `names` borrows from it. */
size_t cgroup_names_parse(struct span path, struct cgroup_name names[static CGROUP_NAMES_MOST]);

/* Appends the key of the innermost of `count` containers along a path: "engine:id", with the ids of
 * those around it before its own: "docker:OUTER/ID". `outer` is the key of the container that all
 * of them are in, NULL for none. */
void cgroup_names_append_key(struct buffer *buffer, const char *outer,
                             const struct cgroup_name *names, size_t count);

#endif
