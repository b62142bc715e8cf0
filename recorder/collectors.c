/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/collectors.h"

#define HIDES(kind) (1u << KIND_##kind)

const struct collector collectors[SOURCE_COUNT] = {
    [SOURCE_PROCESSES] = {"processes", processes_collect, false, HIDES(PROCESS)},
    /* A namespace may have nothing but a thread in it. */
    [SOURCE_THREADS] = {"threads", NULL, true, HIDES(THREAD) | HIDES(NAMESPACE) | HIDES(MOUNT)},
    [SOURCE_FOR_CHILDREN] = {"for-children", NULL, true,
                             HIDES(PROCESS) | HIDES(THREAD) | HIDES(NAMESPACE)},
    /* A mount namespace that nothing else shows has mounts. */
    [SOURCE_FD] = {"fd", NULL, true, HIDES(NAMESPACE) | HIDES(MOUNT)},
    [SOURCE_SOCKET] = {"socket", NULL, true, HIDES(NAMESPACE)},
    [SOURCE_KERNEL] = {"kernel", NULL, true, HIDES(NAMESPACE) | HIDES(MOUNT)},
    [SOURCE_BIND_MOUNT] = {"bind-mount", NULL, true, HIDES(NAMESPACE) | HIDES(MOUNT)},
    [SOURCE_MOUNTS] = {"mounts", NULL, true, HIDES(MOUNT)},
    [SOURCE_CROSS_VIEWS] = {"cross-views", crossviews_collect, true, HIDES(DISCREPANCY)},
    [SOURCE_NAMESPACES] = {"namespaces", namespaces_collect, false, HIDES(NAMESPACE)},
    [SOURCE_CGROUPS] = {"cgroups", cgroups_collect, true, HIDES(CGROUP)},
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
