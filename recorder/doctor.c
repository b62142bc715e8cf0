/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/doctor.h"

#include "recorder/engines/curl.h"
#include "recorder/kernel/span.h"

#include <cjson/cJSON.h>
#include <linux/capability.h>
#include <string.h>

/* ---- features ---- */

static const char *state_text(const struct host *host, enum feature feature)
{
    const struct feature_state *state = &host->features.states[feature];
    if (!host->live)
        return "a copied tree is read: the kernel is not asked";
    if (state->refused)
        return "refused by NSLAPSE_WITHOUT";
    return state->available ? NULL : strerror(state->code);
}

static bool add_feature(cJSON *list, const struct host *host, enum feature feature)
{
    const struct feature_state *state = &host->features.states[feature];
    const char *why_not = state_text(host, feature);
    cJSON *item = cJSON_CreateObject();
    if (!item || !cJSON_AddItemToArray(list, item)) {
        cJSON_Delete(item);
        return false;
    }
    char detail[256];
    snprintf(detail, sizeof(detail), "%s%s%s", feature_infos[feature].description,
             why_not ? ": " : "", why_not ? why_not : "");
    return cJSON_AddStringToObject(item, "name", feature_infos[feature].name) &&
           cJSON_AddBoolToObject(item, "available", state->available) &&
           cJSON_AddBoolToObject(item, "refused", state->refused) &&
           cJSON_AddStringToObject(item, "detail", detail);
}

static bool add_features(cJSON *document, const struct host *host)
{
    cJSON *list = cJSON_AddArrayToObject(document, "features");
    bool added = list;
    for (unsigned feature = 0; feature < FEATURE_COUNT && added; feature++)
        added = add_feature(list, host, (enum feature)feature);
    return added;
}

/* ---- facts ---- */

static const char *process_identity(const struct host *host)
{
    return host_has(host, FEATURE_PIDFS) ? "inode of the pidfd" : "process id and start time";
}

static const char *thread_identity(const struct host *host)
{
    return host_has(host, FEATURE_PIDFD_THREAD) ? "inode of the thread's pidfd"
                                                : "thread id and start time";
}

static const char *namespace_identity(const struct host *host)
{
    if (host_has(host, FEATURE_NS_GET_ID))
        return "NS_GET_ID";
    return host_has(host, FEATURE_NS_GET_MNTNS_ID)
               ? "NS_GET_MNTNS_ID for mount namespaces, type and inode for the others"
               : "type and inode";
}

static const char *namespace_relations(const struct host *host)
{
    return host_has(host, FEATURE_NS_GET_USERNS) && host_has(host, FEATURE_NS_GET_PARENT)
               ? "ioctls of nsfs"
               : "not to be had";
}

static const char *mount_identity(const struct host *host)
{
    bool calls = host_has(host, FEATURE_LISTMOUNT) && host_has(host, FEATURE_STATMOUNT);
    bool ids = host_has(host, FEATURE_NS_GET_ID) || host_has(host, FEATURE_NS_GET_MNTNS_ID);
    return calls && ids ? "unique mount id by listmount and statmount"
                        : "mount id, parent, device, root and target";
}

static const char *processes(const struct host *host)
{
    if (!host->live)
        return host_has_processes(host) ? "the copied proc" : "none: there is no proc in the copy";
    if (host->detached)
        return "a procfs of the recorder's own, as something is mounted over parts of /proc";
    return host_may(host, CAP_SYS_PTRACE)
               ? "/proc, of all users"
               : "/proc; of other users' processes without program, folders and namespaces "
                 "(CAP_SYS_PTRACE is missing)";
}

static const char *cross_views(const struct host *host)
{
    if (!host->live)
        return "none: the kernel is not asked";
    return host_has(host, FEATURE_DETACHED_PROCFS)
               ? "readdir and lookup in /proc, getsid of at most 65536 numbers (of all where "
                 "threads "
                 "are missing), cgroup.procs, loadavg, a procfs of the recorder's own"
               : "readdir and lookup in /proc, getsid of at most 65536 numbers (of all where "
                 "threads "
                 "are missing), cgroup.procs, loadavg";
}

static const char *cgroups(const struct host *host)
{
    (void)host;
    return "the hierarchies, of both versions, that are mounted where the recorder runs";
}

static const char *mounts(const struct host *host)
{
    return host_has(host, FEATURE_STATMOUNT_LINES)
               ? "listmount and statmount, by the id of each mount namespace; of the recorder's "
                 "own, mountinfo of a process, by libmount"
               : "mountinfo of a process in each mount namespace, by libmount";
}

static const char *containers(const struct host *host)
{
    const struct curl_library *library;
    if (!host->live)
        return "the files of the engines that are in the copy, names of cgroups";
    return curl_library(&library) < 0
               ? "the files of engines, names of cgroups; no engine is asked, as there is no "
                 "libcurl "
                 "with unix sockets and HTTP/2"
               : "engines that run, asked over their unix sockets; the files of those that don't "
                 "answer; names of cgroups";
}

static const char *labels(const struct host *host)
{
    return host->has_security_labels ? "attr/current" : "no security module has labels";
}

static const struct {
    const char *fact;
    const char *(*source)(const struct host *host);
} facts[] = {
    {"processes", processes},
    {"views of the list of processes", cross_views},
    {"identity of processes", process_identity},
    {"identity of threads", thread_identity},
    {"security labels", labels},
    {"identity of namespaces", namespace_identity},
    {"owners and parents of namespaces", namespace_relations},
    {"mounts", mounts},
    {"identity of mounts", mount_identity},
    {"cgroups, and which are frozen", cgroups},
    {"containers", containers},
};

static bool add_facts(cJSON *document, const struct host *host)
{
    cJSON *list = cJSON_AddArrayToObject(document, "facts");
    bool added = list;
    for (size_t i = 0; i < sizeof(facts) / sizeof(*facts) && added; i++) {
        cJSON *item = cJSON_CreateObject();
        added = item && cJSON_AddItemToArray(list, item) &&
                cJSON_AddStringToObject(item, "fact", facts[i].fact) &&
                cJSON_AddStringToObject(item, "source", facts[i].source(host));
    }
    return added;
}

cJSON *doctor_json(const struct host *host)
{
    cJSON *document = cJSON_CreateObject();
    cJSON *kernel =
        host->facts.kernel ? cJSON_CreateString(host->facts.kernel) : cJSON_CreateNull();
    if (document && cJSON_AddItemToObject(document, "kernel", kernel) &&
        cJSON_AddItemToObject(document, "privileges", cJSON_Parse(host->facts.privileges)) &&
        add_features(document, host) && add_facts(document, host))
        return document;
    cJSON_Delete(document);
    return NULL;
}
