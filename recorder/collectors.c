/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/collectors.h"

#define HIDES(kind) (1u << KIND_##kind)

const struct collector collectors[SOURCE_COUNT] = {
    [SOURCE_PROCESSES] = {"processes", processes_collect, false, HIDES(PROCESS), NULL},
    [SOURCE_THREADS] = {"threads", NULL, true, HIDES(THREAD), "thread"},
    [SOURCE_FOR_CHILDREN] = {"for-children", NULL, true, HIDES(PROCESS) | HIDES(THREAD),
                             "for-children"},
    [SOURCE_FD] = {"fd", NULL, true, 0, "fd"},
    [SOURCE_SOCKET] = {"socket", NULL, true, 0, "socket"},
    [SOURCE_KERNEL] = {"kernel", NULL, true, 0, "kernel"},
    [SOURCE_BIND_MOUNT] = {"bind-mount", NULL, true, 0, "bind-mount"},
    [SOURCE_MOUNTS] = {"mounts", NULL, true, HIDES(MOUNT), NULL},
    [SOURCE_CROSS_VIEWS] = {"cross-views", crossviews_collect, true, HIDES(DISCREPANCY), NULL},
    [SOURCE_NAMESPACES] = {"namespaces", namespaces_collect, false, HIDES(NAMESPACE), NULL},
    [SOURCE_CGROUPS] = {"cgroups", cgroups_collect, true, HIDES(CGROUP), NULL},
    [SOURCE_CONTAINERS] = {"containers", containers_collect, true, HIDES(CONTAINER), NULL},
};

int collector_gap(const struct sink *sink, enum source source, const char *subject, int code,
                  const char *detail, enum kind hides, const char *scope)
{
    struct gap gap = {.source = collectors[source].name,
                      .subject = subject,
                      .code = code,
                      .detail = detail,
                      .hides = hides,
                      .hides_scope = scope};
    return sink_gap(sink, &gap);
}
