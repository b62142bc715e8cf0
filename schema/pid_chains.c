/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/pid_chains.h"

#include "base/array.h"
#include "base/error.h"
#include "schema/intervals.h"

#include <cJSON.h>
#include <stdlib.h>

enum { NO_PARENT = -1 };

DEFINE_CLEANUP(cJSON *, cJSON_Delete)

void pid_chains_free(struct pid_chains *chains)
{
    free(chains->namespaces);
    free(chains->chain);
    *chains = (struct pid_chains){0};
}

int pid_chains_load(struct pid_chains *chains, struct database *database,
                    const struct snapshot *snapshot)
{
    _cleanup_statement_ sqlite3_stmt *select = NULL;
    int result = intervals_prepare(database, KIND_NAMESPACE, snapshot, "inode, parent",
                                   "AND type = 'pid' ORDER BY inode", &select);
    if (result)
        return result;
    while ((result = sql_step(database, select)) > 0) {
        result = array_reserve(&chains->namespaces, &chains->capacity, chains->count + 1,
                               sizeof(*chains->namespaces));
        if (result)
            return result;
        chains->namespaces[chains->count++] = (struct pid_namespace){
            sqlite3_column_int64(select, 0), sql_known(select, 1, NO_PARENT)};
    }
    return result;
}

static int compare_inodes(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = ((const struct pid_namespace *)b)->inode;
    return left < right ? -1 : left > right;
}

static int64_t parent_of(const struct pid_chains *chains, int64_t inode)
{
    const struct pid_namespace *found = chains->count
                                            ? bsearch(&inode, chains->namespaces, chains->count,
                                                      sizeof(*chains->namespaces), compare_inodes)
                                            : NULL;
    return found ? found->parent : NO_PARENT;
}

/* As many namespaces as there are numbers, from `own` outwards; fewer where a parent isn't known.
 */
static int follow(struct pid_chains *chains, int64_t own, size_t numbers, size_t *ret_length)
{
    size_t length = 0;
    int result =
        array_reserve(&chains->chain, &chains->chain_capacity, numbers, sizeof(*chains->chain));
    if (result)
        return result;
    for (int64_t inode = own; length < numbers && inode >= 0; inode = parent_of(chains, inode))
        chains->chain[length++] = inode;
    *ret_length = length;
    return 0;
}

static void append_pids(const struct pid_chains *chains, size_t length, const cJSON *pids,
                        struct buffer *json)
{
    size_t level = (size_t)cJSON_GetArraySize(pids);
    const char *before = "{";
    const cJSON *pid;
    cJSON_ArrayForEach (pid, pids) {
        if (level-- > length)
            continue;
        buffer_append_format(json, "%s\"pid:%lld\":%d", before, (long long)chains->chain[level],
                             pid->valueint);
        before = ",";
    }
    buffer_append_char(json, '}');
}

int pid_chains_append(struct pid_chains *chains, const struct record *process, struct buffer *json)
{
    const char *text = record_text(process, PROCESS_NS_PIDS);
    int64_t own = record_integer(process, PROCESS_PID_NAMESPACE, -1);
    _cleanup_(cJSON_Delete_pointer) cJSON *pids = text && own >= 0 ? cJSON_Parse(text) : NULL;
    if (!cJSON_IsArray(pids) || !pids->child)
        return 0;
    size_t length;
    int result = follow(chains, own, (size_t)cJSON_GetArraySize(pids), &length);
    if (result)
        return result;
    append_pids(chains, length, pids, json);
    return buffer_error(json);
}
