/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of mounts that no kernel would make: circles, ids twice, targets of another tree. Lines of
 * mountinfo; the table is looked at with its root, if it has one, with each mount as the root, and
 * without one. */
#include "recorder/kernel/mountinfo.h"
#include "recorder/visibility.h"
#include "tests/fuzz/fuzz.h"

enum { MOUNTS_MOST = 64 };

struct table {
    struct visibility_mount mounts[MOUNTS_MOST];
    size_t count;
};

static bool is_within(const struct table *table, const struct visibility_mount *mount)
{
    return mount >= table->mounts && mount < table->mounts + table->count;
}

static bool target_begins_with(const struct visibility_mount *mount,
                               const struct visibility_mount *cover)
{
    struct span target = mount->target, above = cover->target;
    while (above.length && above.bytes[above.length - 1] == '/')
        above.length--;
    return target.length >= above.length &&
           (!above.length || memcmp(target.bytes, above.bytes, above.length) == 0);
}

static void check_cover(const struct table *table, const struct visibility_mount *mount)
{
    const struct visibility_mount *cover = mount->covered_by;
    fuzz_check(is_within(table, cover) && cover != mount);
    fuzz_check(target_begins_with(mount, cover));
    if (mount->visibility == VISIBILITY_OVERMOUNTED)
        fuzz_check(cover->parent == mount->id);
    /* What covers what is no circle. */
    for (size_t steps = 0; cover; cover = cover->covered_by)
        fuzz_check(steps++ < table->count);
}

static void check(struct table *table, const struct visibility_mount *root)
{
    if (visibility_find(table->mounts, table->count, root) < 0)
        return;
    for (size_t i = 0; i < table->count; i++) {
        const struct visibility_mount *mount = &table->mounts[i];
        bool is_covered =
            mount->visibility == VISIBILITY_OVERMOUNTED || mount->visibility == VISIBILITY_SHADOWED;
        fuzz_check(is_covered == (mount->covered_by != NULL));
        fuzz_check((mount->visibility == VISIBILITY_VISIBLE) <= (root != NULL));
        fuzz_check((mount->visibility == VISIBILITY_UNREACHABLE) <= (root != NULL));
        if (is_covered)
            check_cover(table, mount);
    }
    if (root)
        fuzz_check(root->visibility == VISIBILITY_VISIBLE);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct table table = {0};
    struct span rest = {(const char *)bytes, length};
    struct mountinfo_place place;
    const struct visibility_mount *root;
    while (table.count < MOUNTS_MOST && mountinfo_take_place(&rest, &place))
        table.mounts[table.count++] = (struct visibility_mount){
            .id = place.id, .parent = place.parent, .target = place.target};
    if (visibility_root(table.mounts, table.count, &root) < 0)
        return 0;
    fuzz_check(!root || is_within(&table, root));
    check(&table, root);
    check(&table, NULL);
    for (size_t i = 0; i < table.count; i++)
        check(&table, &table.mounts[i]);
    return 0;
}
