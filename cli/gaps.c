/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/gaps.h"

#include "base/error.h"
#include "cli/output.h"
#include "cli/records.h"
#include "cli/settings.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Gaps of one source with one reason. There are few; what comes beyond is counted together. */
enum { GROUPS_MOST = 12 };

struct group {
    const struct record *example;
    size_t count;
};

struct groups {
    struct group items[GROUPS_MOST];
    size_t count;
    size_t beyond;
};

static bool is_alike(const struct record *a, const struct record *b)
{
    return value_equal(&a->values[GAP_SOURCE], &b->values[GAP_SOURCE]) &&
           value_equal(&a->values[GAP_ERRNO], &b->values[GAP_ERRNO]) &&
           (record_integer(a, GAP_ERRNO, 0) != 0 ||
            value_equal(&a->values[GAP_ERROR], &b->values[GAP_ERROR]));
}

static void add_to_groups(struct groups *groups, const struct record *gap)
{
    for (size_t i = 0; i < groups->count; i++) {
        if (is_alike(groups->items[i].example, gap)) {
            groups->items[i].count++;
            return;
        }
    }
    if (groups->count < GROUPS_MOST)
        groups->items[groups->count++] = (struct group){.example = gap, .count = 1};
    else
        groups->beyond++;
}

static bool is_refusal(const struct record *gap)
{
    int64_t code = record_integer(gap, GAP_ERRNO, 0);
    return code == EACCES || code == EPERM;
}

static void print_group(const struct group *group, FILE *out)
{
    const struct record *gap = group->example;
    int64_t code = record_integer(gap, GAP_ERRNO, 0);
    const char *source = record_text(gap, GAP_SOURCE), *subject = record_text(gap, GAP_SUBJECT);
    const char *error = record_text(gap, GAP_ERROR);
    fprintf(out, "  %6zu  ", group->count);
    output_printable(out, source ? source : "-");
    fputs(": ", out);
    output_printable(out, code ? error_name((int)-code) : error ? error : "not read");
    fputs(group->count > 1 ? " (such as " : " (", out);
    output_printable(out, subject ? subject : "-");
    fputs(")\n", out);
}

static void print_advice(const struct groups *groups, const struct snapshot *snapshot, FILE *out)
{
    bool refused = false;
    for (size_t i = 0; i < groups->count; i++)
        refused |= is_refusal(groups->items[i].example);
    if (refused && geteuid() != 0)
        fputs("Run as root to see what was refused. ", out);
    else if (refused)
        fputs(
            "Even root was refused something: the process is shielded, or a capability is missing "
            "('nslapse doctor'). ",
            out);
    fprintf(out, "'nslapse list gaps %lld' lists every one.\n", (long long)snapshot->id);
}

static void print_groups(const struct groups *groups, FILE *out)
{
    for (size_t i = 0; i < groups->count; i++)
        print_group(&groups->items[i], out);
    if (groups->beyond)
        fprintf(out, "  %6zu  others\n", groups->beyond);
}

static void print_each(const struct records *gaps, FILE *out)
{
    for (size_t i = 0; i < gaps->count; i++)
        print_group(&(struct group){.example = gaps->items[i], .count = 1}, out);
}

int gaps_explain(struct database *database, const struct snapshot *snapshot, FILE *out)
{
    _cleanup_records_ struct records gaps = {0};
    int r = records_read(database, snapshot, KIND_GAP, &gaps);
    if (r < 0)
        return r;
    struct groups groups = {.count = 0};
    for (size_t i = 0; i < gaps.count; i++)
        add_to_groups(&groups, gaps.items[i]);
    fputs("Not everything could be read:\n", out);
    if (settings.verbose)
        print_each(&gaps, out);
    else
        print_groups(&groups, out);
    print_advice(&groups, snapshot, out);
    return 0;
}
