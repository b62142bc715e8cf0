/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/kernel/proc_stat.h"

#include "base/error.h"

static int not_a_stat(const char *why)
{
    return error_set(ERROR_SYNTAX, "cannot make sense of a stat file: %s", why);
}

/* One number of the file. Addresses use all 64 bits. */
static bool parse_field(struct span word, int64_t *ret_field)
{
    uint64_t address;
    if (span_integer(word, ret_field))
        return true;
    if (!span_unsigned(word, 10, &address))
        return false;
    *ret_field = (int64_t)address;
    return true;
}

int proc_stat_parse_comm(const char *bytes, size_t length, struct span *ret_comm)
{
    const char *open = length ? memchr(bytes, '(', length) : NULL;
    const char *close = open ? memrchr(bytes, ')', length) : NULL;
    if (!close || close < open)
        return not_a_stat("there is no name in brackets");
    *ret_comm = (struct span){open + 1, (size_t)(close - open - 1)};
    return 0;
}

static int parse_name(struct span *rest, struct proc_stat *stat)
{
    int r = proc_stat_parse_comm(rest->bytes, rest->length, &stat->comm);
    if (r < 0)
        return r;
    const char *open = stat->comm.bytes - 1, *behind = stat->comm.bytes + stat->comm.length + 1;
    struct span pid = span_trim((struct span){rest->bytes, (size_t)(open - rest->bytes)});
    if (!span_integer(pid, &stat->fields[STAT_PID]))
        return not_a_stat("it does not begin with a process id");
    *rest = (struct span){behind, (size_t)(rest->bytes + rest->length - behind)};
    return 0;
}

int proc_stat_parse(const char *bytes, size_t length, struct proc_stat *ret_stat)
{
    struct proc_stat stat = {0};
    struct span rest = {bytes, length}, word;
    int r = parse_name(&rest, &stat);
    if (r < 0)
        return r;
    if (!span_take_word(&rest, &word) || word.length != 1)
        return not_a_stat("there is no state behind the name");
    stat.state = word.bytes[0];
    stat.count = 3;
    while (stat.count < STAT_FIELDS && span_take_word(&rest, &word)) {
        /* A number that the end of the file cuts through would be a wrong number. */
        if (!rest.length && stat.count + 1 < STAT_FIELDS)
            break;
        if (!parse_field(word, &stat.fields[stat.count + 1]))
            return not_a_stat("a field is no number");
        stat.count++;
    }
    if (stat.count < STAT_START_TICKS)
        return not_a_stat("it ends before the start time");
    *ret_stat = stat;
    return 0;
}

static bool same_field(const struct proc_stat *first, const struct proc_stat *second,
                       enum proc_stat_field field)
{
    return first->fields[field] == second->fields[field];
}

bool proc_stat_same_program(const struct proc_stat *first, const struct proc_stat *second)
{
    int64_t flags = first->fields[STAT_FLAGS] ^ second->fields[STAT_FLAGS];
    return same_field(first, second, STAT_START_TICKS) &&
           /* exec puts code and stack elsewhere, and ends having forked without exec */
           same_field(first, second, STAT_START_CODE) &&
           same_field(first, second, STAT_START_STACK) &&
           !(flags & (TASK_FORKED_WITHOUT_EXEC | TASK_EXITING)) &&
           (first->state == 'Z') == (second->state == 'Z') &&
           (proc_stat_has_flag(first, TASK_WORKQUEUE_WORKER) ||
            span_equal(first->comm, second->comm));
}

struct span proc_stat_steady_comm(const struct proc_stat *stat)
{
    struct span comm = stat->comm;
    if (!proc_stat_has_flag(stat, TASK_WORKQUEUE_WORKER) || !span_starts(comm, "kworker/"))
        return comm;
    /* A rescuer's own name is behind a minus: kworker/R-name. */
    bool rescuer = span_starts(comm, "kworker/R-");
    size_t end = strlen("kworker/");
    while (end < comm.length && comm.bytes[end] != '+' && (rescuer || comm.bytes[end] != '-'))
        end++;
    comm.length = end;
    return comm;
}
