/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts of one parent lie in that parent's tree of directories, by their paths from its root.
 * Sorted so that what lies below a path follows it at once, one look at each finds the nearest of
 * them that a lookup would be led away by. What sits on the parent's root has the empty path, and
 * is the furthest of those for all the others. The rest follows from parents to children. */
#include "recorder/visibility.h"

#include "base/cleanup.h"
#include "base/error.h"

const char *const visibility_names[VISIBILITY_COUNT] = {
    [VISIBILITY_VISIBLE] = "visible",
    [VISIBILITY_OVERMOUNTED] = "overmounted",
    [VISIBILITY_SHADOWED] = "shadowed",
    [VISIBILITY_UNREACHABLE] = "unreachable",
};

static const size_t none = SIZE_MAX;

/* Whether a lookup gets onto the mount's root, be it to go on from there onto another. */
enum entry {
    ENTRY_CIRCULAR, /* its parents are a circle */
    ENTRY_UNKNOWN,
    ENTRY_OPEN,
    ENTRY_HIDDEN,  /* led away before, by the mount `hider` */
    ENTRY_OUTSIDE, /* there is no way from the root */
};

/* What is found out about the mount with the same number. Numbers are `none` where there is none.
 */
struct node {
    size_t parent;           /* in the table, and not itself */
    struct span place;       /* path from the parent's root; "" on it, else it begins with '/' */
    bool placed;             /* `place` is known */
    bool doubtful;           /* the table contradicts itself about it */
    size_t nearest;          /* of the same parent, on the way to `place` */
    size_t over;             /* sits on this one's root */
    size_t first_child, end; /* in table.order */
    enum entry entry;
    size_t hider;
};

struct table {
    const struct visibility_mount *mounts;
    size_t count;
    struct node *nodes;
    size_t *by_id; /* numbers, by id and then by number */
    size_t *order; /* numbers, by parent id and then by place */
    size_t root;
};

static void table_free(struct table *table)
{
    free(table->nodes);
    free(table->by_id);
    free(table->order);
}

#define _cleanup_table_ _cleanup_(table_free)

static int compare_numbers(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

/* ---- who sits on whom ---- */

static int compare_ids(const void *left, const void *right, void *userdata)
{
    const struct visibility_mount *mounts = userdata;
    const size_t a = *(const size_t *)left, b = *(const size_t *)right;
    int order = compare_numbers(mounts[a].id, mounts[b].id);
    return order ? order : (a > b) - (a < b);
}

static size_t *sort_by_id(const struct visibility_mount *mounts, size_t count)
{
    size_t *by_id = calloc(count + 1, sizeof(*by_id));
    if (!by_id)
        return NULL;
    for (size_t i = 0; i < count; i++)
        by_id[i] = i;
    qsort_r(by_id, count, sizeof(*by_id), compare_ids, (void *)mounts);
    return by_id;
}

/* The mount with this id; none where there are several: nobody knows which of them is meant. */
static size_t find(const struct visibility_mount *mounts, const size_t *by_id, size_t count,
                   int64_t id)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (mounts[by_id[middle]].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < count && mounts[by_id[low]].id == id;
    bool several = low + 1 < count && mounts[by_id[low + 1]].id == id;
    return found && !several ? by_id[low] : none;
}

/* A mount that isn't attached is its own parent, in the kernel as in its tables. */
static bool is_detached(const struct visibility_mount *mount)
{
    return mount->parent == mount->id;
}

static size_t find_parent(const struct visibility_mount *mounts, const size_t *by_id, size_t count,
                          size_t number)
{
    const struct visibility_mount *mount = &mounts[number];
    return is_detached(mount) ? none : find(mounts, by_id, count, mount->parent);
}

static void doubt_twins(struct table *table)
{
    for (size_t i = 1; i < table->count; i++) {
        const size_t a = table->by_id[i - 1], b = table->by_id[i];
        if (table->mounts[a].id == table->mounts[b].id)
            table->nodes[a].doubtful = table->nodes[b].doubtful = true;
    }
}

/* ---- where they sit ---- */

/* Without the slashes at its end, "" for "/", so that what lies below it goes on with a slash. */
static struct span trim_target(struct span target)
{
    while (target.length && target.bytes[target.length - 1] == '/')
        target.length--;
    return target;
}

static bool is_absolute(struct span target)
{
    return target.length && target.bytes[0] == '/';
}

/* Whether `path` is `above` or lies below it. */
static bool is_within(struct span above, struct span path)
{
    return path.length >= above.length &&
           (!above.length || memcmp(path.bytes, above.bytes, above.length) == 0) &&
           (path.length == above.length || path.bytes[above.length] == '/');
}

/* A target that isn't below the parent's is of another moment than that one. What is detached sits
 * nowhere. */
static void set_place(struct table *table, size_t number)
{
    const struct visibility_mount *mount = &table->mounts[number];
    struct node *node = &table->nodes[number];
    struct span target = mount->target, above = {"/", 1};
    if (is_detached(mount))
        return;
    if (node->parent != none)
        above = table->mounts[node->parent].target;
    bool known = is_absolute(target) && is_absolute(above);
    target = trim_target(target);
    above = trim_target(above);
    node->placed = known && is_within(above, target);
    if (node->placed)
        node->place = (struct span){target.bytes + above.length, target.length - above.length};
}

/* The end of a path comes first, then a slash, then all other bytes. */
static int path_rank(struct span path, size_t at)
{
    if (at == path.length)
        return -1;
    return path.bytes[at] == '/' ? 0 : 1 + (unsigned char)path.bytes[at];
}

static int compare_paths(struct span a, struct span b)
{
    const size_t length = a.length < b.length ? a.length : b.length;
    size_t at = 0;
    while (length - at >= sizeof(uint64_t) &&
           memcmp(a.bytes + at, b.bytes + at, sizeof(uint64_t)) == 0)
        at += sizeof(uint64_t);
    while (at < length && a.bytes[at] == b.bytes[at])
        at++;
    return path_rank(a, at) - path_rank(b, at);
}

static int compare_places(const void *left, const void *right, void *userdata)
{
    const struct table *table = userdata;
    const size_t a = *(const size_t *)left, b = *(const size_t *)right;
    const struct node *one = &table->nodes[a], *other = &table->nodes[b];
    int order = compare_numbers(table->mounts[a].parent, table->mounts[b].parent);
    if (!order)
        order = other->placed - one->placed;
    if (!order && one->placed)
        order = compare_paths(one->place, other->place);
    return order ? order : (a > b) - (a < b);
}

static bool is_in_place(const struct node *node)
{
    return node->placed && !node->place.length;
}

/* What sits on the root that lookups begin on leads nobody away. */
static bool is_over_root(const struct table *table, size_t number)
{
    const struct node *node = &table->nodes[number];
    return node->parent != none && node->parent == table->root && is_in_place(node);
}

static bool are_siblings(const struct table *table, size_t a, size_t b)
{
    return table->mounts[a].parent == table->mounts[b].parent && table->nodes[a].placed &&
           table->nodes[b].placed;
}

/* `previous` is the one before it in the order, so that the nearest is that one, or one that is
 * near to that one. Two on one place cannot be; which one is there, the table doesn't tell. */
static void set_nearest(struct table *table, size_t previous, size_t number)
{
    struct node *nodes = table->nodes, *node = &nodes[number];
    if (!are_siblings(table, previous, number))
        return;
    size_t near = previous;
    if (span_equal(nodes[near].place, node->place)) {
        nodes[near].doubtful = node->doubtful = true;
        near = nodes[near].nearest;
    }
    while (near != none && !is_within(nodes[near].place, node->place))
        near = nodes[near].nearest;
    if (near != none && !is_over_root(table, near))
        node->nearest = near;
}

static void set_child(struct table *table, size_t at)
{
    const size_t number = table->order[at], parent = table->nodes[number].parent;
    if (parent == none)
        return;
    struct node *above = &table->nodes[parent];
    if (above->first_child == none)
        above->first_child = at;
    above->end = at + 1;
    if (is_in_place(&table->nodes[number]) && parent != table->root)
        above->over = number;
}

static void place_all(struct table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        table->nodes[i].parent = find_parent(table->mounts, table->by_id, table->count, i);
        table->order[i] = i;
        set_place(table, i);
    }
    doubt_twins(table);
    qsort_r(table->order, table->count, sizeof(*table->order), compare_places, table);
    for (size_t i = 0; i < table->count; i++) {
        set_child(table, i);
        if (i)
            set_nearest(table, table->order[i - 1], table->order[i]);
    }
}

/* ---- what a lookup enters ---- */

/* The root's ancestors end here: at a mount that is not in the table, of which then no other one
 * can be below the root. False if they end otherwise. */
static bool find_top(const struct table *table, int64_t *ret_parent)
{
    size_t number = table->root;
    for (size_t steps = 0; number != none && steps < table->count; steps++) {
        const struct visibility_mount *mount = &table->mounts[number];
        *ret_parent = mount->parent;
        number = table->nodes[number].parent;
        if (number == none)
            return !is_detached(mount);
    }
    return false;
}

static void enter_top(struct table *table, size_t number, bool has_top, int64_t top)
{
    const struct visibility_mount *mount = &table->mounts[number];
    struct node *node = &table->nodes[number];
    node->entry = ENTRY_UNKNOWN;
    if (number == table->root) {
        node->entry = ENTRY_OPEN;
    } else if (table->root != none && (is_detached(mount) || (has_top && mount->parent == top))) {
        node->entry = ENTRY_OUTSIDE;
    } else if (node->nearest != none) {
        node->entry = ENTRY_HIDDEN;
        node->hider = node->nearest;
    }
}

static void enter_child(struct table *table, size_t number)
{
    struct node *node = &table->nodes[number];
    const struct node *parent = &table->nodes[node->parent];
    if (parent->entry == ENTRY_OUTSIDE || is_over_root(table, number)) {
        node->entry = ENTRY_OUTSIDE;
    } else if (!node->placed) {
        node->entry = ENTRY_UNKNOWN;
    } else if (node->nearest != none) {
        node->entry = ENTRY_HIDDEN;
        node->hider = node->nearest;
    } else if (parent->entry == ENTRY_HIDDEN) {
        node->entry = ENTRY_HIDDEN;
        node->hider = parent->hider;
    } else {
        node->entry = node->doubtful ? ENTRY_UNKNOWN : parent->entry;
    }
}

/* From the root and all tops on, which a circle has none of. */
static void enter_all(struct table *table, size_t *queue)
{
    int64_t top = 0;
    const bool has_top = find_top(table, &top);
    size_t count = 0;
    for (size_t i = 0; i < table->count; i++)
        if (i == table->root || table->nodes[i].parent == none) {
            enter_top(table, i, has_top, top);
            queue[count++] = i;
        }
    for (size_t taken = 0; taken < count; taken++) {
        const struct node *parent = &table->nodes[queue[taken]];
        for (size_t i = parent->first_child; i < parent->end; i++) {
            const size_t child = table->order[i];
            if (child == table->root || table->nodes[child].parent != queue[taken])
                continue;
            enter_child(table, child);
            queue[count++] = child;
        }
    }
}

/* ---- answers ---- */

static void answer(const struct table *table, size_t number, struct visibility_mount *mount)
{
    static const enum visibility answers[] = {
        [ENTRY_CIRCULAR] = VISIBILITY_UNKNOWN,    [ENTRY_UNKNOWN] = VISIBILITY_UNKNOWN,
        [ENTRY_OPEN] = VISIBILITY_VISIBLE,        [ENTRY_HIDDEN] = VISIBILITY_SHADOWED,
        [ENTRY_OUTSIDE] = VISIBILITY_UNREACHABLE,
    };
    const struct node *node = &table->nodes[number];
    size_t hider = node->entry == ENTRY_HIDDEN ? node->hider : none;
    mount->visibility = answers[node->entry];
    if (node->over != none && node->entry != ENTRY_OUTSIDE && node->entry != ENTRY_CIRCULAR) {
        mount->visibility = VISIBILITY_OVERMOUNTED;
        hider = node->over;
    }
    mount->covered_by = hider == none ? NULL : &table->mounts[hider];
}

static int table_make(struct table *table)
{
    table->by_id = sort_by_id(table->mounts, table->count);
    table->order = calloc(table->count + 1, sizeof(*table->order));
    table->nodes = calloc(table->count + 1, sizeof(*table->nodes));
    if (!table->by_id || !table->order || !table->nodes)
        return error_memory();
    for (size_t i = 0; i < table->count; i++)
        table->nodes[i] = (struct node){
            .parent = none, .nearest = none, .over = none, .first_child = none, .hider = none};
    return 0;
}

int visibility_find(struct visibility_mount *mounts, size_t count,
                    const struct visibility_mount *root)
{
    _cleanup_table_ struct table table = {
        .mounts = mounts, .count = count, .root = root ? (size_t)(root - mounts) : none};
    _cleanup_free_ size_t *queue = calloc(count + 1, sizeof(*queue));
    int r = queue ? table_make(&table) : error_memory();
    if (r < 0)
        return r;
    place_all(&table);
    enter_all(&table, queue);
    for (size_t i = 0; i < count; i++)
        answer(&table, i, &mounts[i]);
    return 0;
}

/* Whether another one sits, as `root` seems to do, on a mount that isn't in the table: then that
 * one is what the targets begin on. */
static bool has_sibling(const struct visibility_mount *mounts, size_t count, size_t root)
{
    if (is_detached(&mounts[root]))
        return false;
    for (size_t i = 0; i < count; i++)
        if (i != root && mounts[i].parent == mounts[root].parent)
            return true;
    return false;
}

int visibility_root(const struct visibility_mount *mounts, size_t count,
                    const struct visibility_mount **ret_root)
{
    _cleanup_free_ size_t *by_id = sort_by_id(mounts, count);
    size_t root = none, found = 0;
    if (!by_id)
        return error_memory();
    for (size_t i = 0; i < count; i++) {
        if (!is_absolute(mounts[i].target) || trim_target(mounts[i].target).length ||
            find_parent(mounts, by_id, count, i) != none)
            continue;
        root = i;
        found++;
    }
    *ret_root = found == 1 && !has_sibling(mounts, count, root) ? &mounts[root] : NULL;
    return 0;
}
