/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/kernel/proc_cgroup.h"

#include "base/error.h"

static int not_a_cgroup(const char *why)
{
    return error_set(ERROR_SYNTAX, "cannot make sense of a cgroup file: %s", why);
}

static int parse_line(struct span line, struct proc_cgroup_entry *ret_entry)
{
    struct span id, hierarchy, rest = line;
    uint64_t number;
    if (!span_take(&rest, ':', &id) || !span_unsigned(id, 10, &number) ||
        !span_take(&rest, ':', &hierarchy) || !rest.length)
        return not_a_cgroup("a line is not id:controllers:path");
    if (!hierarchy.length)
        hierarchy = (struct span){"unified", strlen("unified")};
    *ret_entry = (struct proc_cgroup_entry){.hierarchy = hierarchy, .path = rest};
    return 0;
}

/* Puts the entry in its place by hierarchy; the lists are short. */
static int insert(struct proc_cgroup *cgroup, const struct proc_cgroup_entry *entry)
{
    if (cgroup->count == PROC_CGROUP_MOST)
        return not_a_cgroup("it has more lines than there are hierarchies");
    size_t at = cgroup->count;
    for (; at; at--) {
        int order = span_compare(cgroup->entries[at - 1].hierarchy, entry->hierarchy);
        if (!order)
            return not_a_cgroup("it names a hierarchy twice");
        if (order < 0)
            break;
        cgroup->entries[at] = cgroup->entries[at - 1];
    }
    cgroup->entries[at] = *entry;
    cgroup->count++;
    return 0;
}

int proc_cgroup_parse(const char *bytes, size_t length, struct proc_cgroup *ret_cgroup)
{
    struct span rest = {bytes, length}, line;
    ret_cgroup->count = 0;
    if (length && bytes[length - 1] != '\n')
        return not_a_cgroup("it ends within a line");
    while (span_take(&rest, '\n', &line)) {
        struct proc_cgroup_entry entry;
        int r = parse_line(line, &entry);
        if (r >= 0)
            r = insert(ret_cgroup, &entry);
        if (r < 0) {
            ret_cgroup->count = 0;
            return r;
        }
    }
    return 0;
}

struct span proc_cgroup_path(const struct proc_cgroup *cgroup, struct span hierarchy)
{
    for (size_t i = 0; i < cgroup->count; i++)
        if (span_equal(cgroup->entries[i].hierarchy, hierarchy))
            return cgroup->entries[i].path;
    return (struct span){0};
}
