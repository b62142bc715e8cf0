/* SPDX-License-Identifier: Apache-2.0 */
/* Trees of mounts drawn by hand, with the answers that the kernel's rules of path lookup give; and
 * random ones, each looked up step by step. What the kernel itself says is asked in
 * tests/namespaces/test_visibility.py. */
#include "recorder/visibility.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on
#include <stdio.h>
#include <stdlib.h>

enum { NOTHING = -1, ROWS_MOST = 32 };

#define UNKNOWN         VISIBILITY_UNKNOWN, NOTHING
#define VISIBLE         VISIBILITY_VISIBLE, NOTHING
#define UNREACHABLE     VISIBILITY_UNREACHABLE, NOTHING
#define OVERMOUNTED(by) VISIBILITY_OVERMOUNTED, by
#define SHADOWED(by)    VISIBILITY_SHADOWED, by

struct row {
    int64_t id, parent;
    const char *target;
    enum visibility visibility;
    int64_t covered_by;
};

static struct visibility_mount mount_of(const struct row *row)
{
    return (struct visibility_mount){
        .id = row->id,
        .parent = row->parent,
        .target = {row->target, row->target ? strlen(row->target) : 0},
    };
}

static void check_row(const struct row *row, const struct visibility_mount *mount)
{
    int64_t covered_by = mount->covered_by ? mount->covered_by->id : NOTHING;
    if (mount->visibility != row->visibility || covered_by != row->covered_by)
        fail_msg("%lld at %s is %s by %lld, not %s by %lld", (long long)row->id, row->target,
                 visibility_names[mount->visibility], (long long)covered_by,
                 visibility_names[row->visibility], (long long)row->covered_by);
}

/* In the order of the rows from `first` on, around, and forwards or backwards. */
static void check_in_order(const struct row *rows, size_t count, int64_t root, size_t first,
                           bool backwards)
{
    struct visibility_mount mounts[ROWS_MOST];
    const struct row *row_of[ROWS_MOST];
    const struct visibility_mount *root_mount = NULL;
    assert_true(count <= ROWS_MOST);
    for (size_t i = 0; i < count; i++) {
        row_of[i] = &rows[(first + (backwards ? count - i : i)) % count];
        mounts[i] = mount_of(row_of[i]);
        if (mounts[i].id == root)
            root_mount = &mounts[i];
    }
    assert_int_equal(visibility_find(mounts, count, root_mount), 0);
    for (size_t i = 0; i < count; i++)
        check_row(row_of[i], &mounts[i]);
}

/* The order of a table says nothing: ids are used again, and a mount can be put beneath others. */
static void check_tree(const struct row *rows, size_t count, int64_t root)
{
    for (size_t first = 0; first < count; first++) {
        check_in_order(rows, count, root, first, false);
        check_in_order(rows, count, root, first, true);
    }
}

#define CHECK_TREE(root, ...)                                                                      \
    check_tree((const struct row[]){__VA_ARGS__},                                                  \
               sizeof((const struct row[]){__VA_ARGS__}) / sizeof(struct row), root)

/* ---- drawn by hand ---- */

static void nothing_hides_what_lies_beside(void **state)
{
    (void)state;
    CHECK_TREE(1, {1, 0, "/", VISIBLE}, {2, 1, "/a", VISIBLE}, {3, 1, "/a-", VISIBLE},
               {4, 1, "/ab", VISIBLE}, {5, 2, "/a/b", VISIBLE}, {6, 4, "/ab/a/b", VISIBLE},
               {7, 3, "/a-/b", VISIBLE});
}

/* /dev/shm mounted again. */
static void in_place(void **state)
{
    (void)state;
    CHECK_TREE(1, {1, 0, "/", VISIBLE}, {2, 1, "/dev", VISIBLE}, {3, 2, "/dev/shm", OVERMOUNTED(4)},
               {4, 3, "/dev/shm", VISIBLE});
}

/* Each one is covered by the next. What was mounted on the lowest one's folder, before the others
 * came, is hidden by the first of them; what is on the top one's isn't. */
static void a_stack_of_three(void **state)
{
    (void)state;
    CHECK_TREE(1, {1, 0, "/", VISIBLE}, {2, 1, "/s", OVERMOUNTED(3)}, {3, 2, "/s", OVERMOUNTED(4)},
               {4, 3, "/s", VISIBLE}, {5, 2, "/s/x", SHADOWED(3)}, {6, 4, "/s/x", VISIBLE},
               {7, 3, "/s/x", SHADOWED(4)});
}

/* 5 came over /a, when 2, 3 and 4 were there. The nearest that hides 2 and 3 is 5; of 4 it is too,
 * because 3 does not hide what is mounted on it. */
static void over_a_parent_directory(void **state)
{
    (void)state;
    CHECK_TREE(1, {1, 0, "/", VISIBLE}, {2, 1, "/a/b", SHADOWED(5)}, {3, 1, "/a/c", SHADOWED(5)},
               {4, 3, "/a/c/d", SHADOWED(5)}, {5, 1, "/a", VISIBLE}, {6, 1, "/ab", VISIBLE});
}

/* First /a/b/c, then /a/b, then /a: each is hidden by the next one up, the nearest. */
static void nested_shadows_name_the_nearest(void **state)
{
    (void)state;
    CHECK_TREE(1, {1, 0, "/", VISIBLE}, {2, 1, "/a/b/c", SHADOWED(3)}, {3, 1, "/a/b", SHADOWED(4)},
               {4, 1, "/a", VISIBLE}, {5, 2, "/a/b/c/d", SHADOWED(3)}, {6, 1, "/a/x", SHADOWED(4)});
}

/* Hidden by 3 over /a, and on 3 mounted once more, with the same targets. */
static void hidden_and_mounted_again_above(void **state)
{
    (void)state;
    CHECK_TREE(1, {1, 0, "/", VISIBLE}, {2, 1, "/a/b", SHADOWED(3)}, {3, 1, "/a", VISIBLE},
               {4, 3, "/a/b", VISIBLE}, {5, 2, "/a/b/c", SHADOWED(3)}, {6, 4, "/a/b/c", VISIBLE});
}

/* A hidden mount that another one is on: that is what covers it first. The one on it is hidden as
 * the lower one would be. */
static void overmounted_below_a_shadow(void **state)
{
    (void)state;
    CHECK_TREE(1, {1, 0, "/", VISIBLE}, {2, 1, "/a/b", OVERMOUNTED(3)}, {3, 2, "/a/b", SHADOWED(5)},
               {4, 2, "/a/b/c", SHADOWED(3)}, {5, 1, "/a", OVERMOUNTED(6)}, {6, 5, "/a", VISIBLE});
}

/* mount --rbind /a /b: /b is the same file system, but what is on it are mounts of their own. Over
 * /a/x came 5, which did not propagate. */
static void a_bind_of_a_subtree(void **state)
{
    (void)state;
    CHECK_TREE(1, {1, 0, "/", VISIBLE}, {2, 1, "/a/x", OVERMOUNTED(5)}, {3, 1, "/b", VISIBLE},
               {4, 3, "/b/x", VISIBLE}, {5, 2, "/a/x", VISIBLE});
}

/* A lookup begins on 1, also after 3 came over it, and never steps onto 3. Who is on 3 (it entered
 * the namespace later) sees another world, in which 3 is the root. */
static void over_the_root(void **state)
{
    (void)state;
    CHECK_TREE(1, {1, 0, "/", VISIBLE}, {2, 1, "/a", VISIBLE}, {3, 1, "/", UNREACHABLE},
               {4, 3, "/a", UNREACHABLE}, {5, 3, "/", UNREACHABLE}, {6, 4, "/a", UNREACHABLE},
               {7, 2, "/a/b", VISIBLE});
    CHECK_TREE(3, {1, 0, "/", UNREACHABLE}, {2, 1, "/a", UNREACHABLE}, {3, 1, "/", VISIBLE},
               {4, 3, "/a", OVERMOUNTED(6)}, {5, 3, "/", UNREACHABLE}, {6, 4, "/a", VISIBLE},
               {7, 2, "/a/b", UNREACHABLE});
}

/* After pivot_root(2) to 10 and umount2(MNT_DETACH) of the old root, that is its own parent. */
static void detached_after_pivot_root(void **state)
{
    (void)state;
    CHECK_TREE(10, {10, 9, "/", VISIBLE}, {11, 10, "/proc", VISIBLE}, {1, 1, "/", UNREACHABLE},
               {2, 1, "/proc", UNREACHABLE}, {3, 2, "/proc", UNREACHABLE});
}

/* Before it is detached, it is below /old, and as visible as any other. */
static void pivot_root_alone(void **state)
{
    (void)state;
    CHECK_TREE(10, {10, 9, "/", VISIBLE}, {1, 10, "/old", VISIBLE}, {2, 1, "/old/proc", VISIBLE},
               {11, 10, "/proc", VISIBLE});
}

/* The kernel's own bottom, which is its own parent, with the host's root mounted over it. */
static void above_the_bottom(void **state)
{
    (void)state;
    CHECK_TREE(2, {1, 1, "/", UNREACHABLE}, {2, 1, "/", VISIBLE}, {3, 2, "/a", VISIBLE},
               {4, 1, "/dev", UNREACHABLE});
    CHECK_TREE(1, {1, 1, "/", VISIBLE}, {2, 1, "/a", OVERMOUNTED(3)}, {3, 2, "/a", VISIBLE},
               {4, 1, "/a/b", SHADOWED(2)}, {5, 1, "/ab", VISIBLE});
}

/* 9 was put beneath 3: it has the younger id, and has 3 as its child. */
static void beneath(void **state)
{
    (void)state;
    CHECK_TREE(1, {1, 0, "/", VISIBLE}, {2, 1, "/a", OVERMOUNTED(9)}, {9, 2, "/a", OVERMOUNTED(3)},
               {3, 9, "/a", VISIBLE}, {4, 3, "/a/b", VISIBLE});
}

static void files_and_odd_names(void **state)
{
    (void)state;
    CHECK_TREE(1, {1, 0, "/", VISIBLE}, {2, 1, "/etc/host name\n", OVERMOUNTED(3)},
               {3, 2, "/etc/host name\n", VISIBLE}, {4, 1, "/\xff", VISIBLE},
               {5, 1, "/\xff/\xfe", SHADOWED(4)}, {6, 1, "/\xff\x01", VISIBLE},
               {7, 1, "/gone//deleted", VISIBLE}, {8, 1, "/gone (deleted)", VISIBLE});
    CHECK_TREE(1, {1, 0, "/", VISIBLE}, {2, 1, "/a", VISIBLE}, {3, 1, "/a/b", SHADOWED(2)},
               {4, 1, "/a\xff", VISIBLE}, {5, 1, "/a\xfe", VISIBLE}, {6, 1, "/a\x01", VISIBLE});
}

/* ---- without the root in view ---- */

/* A task in a plain folder /jail: its mountinfo has no "/", but what is in the folder. Whether the
 * folder can be reached is not known; what hides what inside is. */
static void a_view_from_a_plain_directory(void **state)
{
    (void)state;
    CHECK_TREE(NOTHING, {2, 1, "/a/b", SHADOWED(3)}, {3, 1, "/a", OVERMOUNTED(4)},
               {4, 3, "/a", UNKNOWN}, {5, 1, "/c", UNKNOWN}, {6, 5, "/c/d", UNKNOWN},
               {7, 2, "/a/b/c", SHADOWED(3)});
}

/* The folder was mounted over later: the task isn't led there, everyone else is. */
static void a_view_from_below_a_mount(void **state)
{
    (void)state;
    CHECK_TREE(NOTHING, {2, 1, "/a", SHADOWED(3)}, {3, 1, "/", UNKNOWN}, {4, 3, "/a", UNKNOWN});
}

/* A task whose root is the root of mount 2, over which came 3. */
static void a_view_from_a_mount(void **state)
{
    (void)state;
    CHECK_TREE(NOTHING, {2, 2, "/", OVERMOUNTED(3)}, {3, 2, "/", UNKNOWN});
    CHECK_TREE(NOTHING, {2, 1, "/", OVERMOUNTED(3)}, {3, 2, "/", UNKNOWN},
               {4, 2, "/a", SHADOWED(3)}, {5, 3, "/a", UNKNOWN});
}

static int64_t root_of(const struct row *rows, size_t count)
{
    struct visibility_mount mounts[ROWS_MOST];
    const struct visibility_mount *root = &mounts[ROWS_MOST - 1];
    for (size_t i = 0; i < count; i++)
        mounts[i] = mount_of(&rows[i]);
    assert_int_equal(visibility_root(mounts, count, &root), 0);
    return root ? root->id : NOTHING;
}

#define ROOT_OF(...)                                                                               \
    root_of((const struct row[]){__VA_ARGS__},                                                     \
            sizeof((const struct row[]){__VA_ARGS__}) / sizeof(struct row))

static void the_root_is_found(void **state)
{
    (void)state;
    assert_int_equal(ROOT_OF({3, 2, "/a", UNKNOWN}, {2, 1, "/", UNKNOWN}), 2);
    assert_int_equal(ROOT_OF({2, 2, "/", UNKNOWN}, {3, 2, "/a", UNKNOWN}), 2);
    /* one over the other: the lower one */
    assert_int_equal(ROOT_OF({3, 2, "/", UNKNOWN}, {2, 1, "/", UNKNOWN}), 2);
    /* a plain folder */
    assert_int_equal(ROOT_OF({3, 2, "/a", UNKNOWN}, {4, 2, "/b", UNKNOWN}), NOTHING);
    assert_int_equal(ROOT_OF({3, 2, "/", UNKNOWN}, {4, 2, "/b", UNKNOWN}), NOTHING);
    /* two that could be it, and none at all */
    assert_int_equal(ROOT_OF({3, 2, "/", UNKNOWN}, {5, 4, "/", UNKNOWN}), NOTHING);
    assert_int_equal(ROOT_OF({3, 4, "/", UNKNOWN}, {4, 3, "/", UNKNOWN}), NOTHING);
    assert_int_equal(ROOT_OF({3, 2, NULL, UNKNOWN}, {4, 3, "", UNKNOWN}), NOTHING);
    const struct visibility_mount *root = NULL;
    assert_int_equal(visibility_root(NULL, 0, &root), 0);
    assert_null(root);
}

/* ---- what contradicts itself ---- */

static void circles_of_parents(void **state)
{
    (void)state;
    CHECK_TREE(1, {1, 0, "/", VISIBLE}, {2, 3, "/a", UNKNOWN}, {3, 2, "/a", UNKNOWN},
               {4, 3, "/a/b", UNKNOWN}, {5, 1, "/c", VISIBLE});
    CHECK_TREE(1, {1, 2, "/", VISIBLE}, {2, 1, "/a", VISIBLE}, {3, 2, "/a/b", VISIBLE});
    CHECK_TREE(NOTHING, {1, 2, "/", UNKNOWN}, {2, 1, "/", UNKNOWN});
}

/* What 2 sits on was gone when its line should have come. It isn't said to be unreachable. */
static void a_parent_that_is_not_there(void **state)
{
    (void)state;
    CHECK_TREE(1, {1, 0, "/", VISIBLE}, {2, 7, "/a", UNKNOWN}, {3, 2, "/a/b", UNKNOWN},
               {4, 2, "/a/b/c", SHADOWED(3)}, {5, 1, "/a", VISIBLE});
}

/* 2 is there twice, with one use of the id ending before the other begins. */
static void an_id_used_again(void **state)
{
    (void)state;
    CHECK_TREE(1, {1, 0, "/", VISIBLE}, {2, 1, "/a", UNKNOWN}, {2, 1, "/b", UNKNOWN},
               {3, 1, "/b/c", SHADOWED(2)}, {4, 1, "/c", VISIBLE}, {5, 2, "/b/d", UNKNOWN},
               {6, 2, "/a", UNKNOWN}, {7, 6, "/a/x", UNKNOWN});
}

/* One parent, one place: either was there first, or has been moved away. */
static void two_on_one_place(void **state)
{
    (void)state;
    CHECK_TREE(1, {1, 0, "/", VISIBLE}, {2, 1, "/a", UNKNOWN}, {3, 1, "/a", UNKNOWN},
               {4, 2, "/a/b", UNKNOWN}, {5, 3, "/a/c", UNKNOWN}, {6, 1, "/b", VISIBLE});
    const struct row rows[] = {{1, 0, "/", VISIBLE},
                               {2, 1, "/a", UNKNOWN},
                               {3, 1, "/a", UNKNOWN},
                               {4, 1, "/a/b", SHADOWED(3)}};
    check_in_order(rows, 4, 1, 0, false); /* by the one that was listed last */
}

/* The parent was renamed between the two lines. */
static void a_target_that_is_not_below_the_parents(void **state)
{
    (void)state;
    CHECK_TREE(1, {1, 0, "/", VISIBLE}, {2, 1, "/a", VISIBLE}, {3, 2, "/b/c", UNKNOWN},
               {4, 3, "/b/c/d", UNKNOWN}, {5, 2, "/ab", OVERMOUNTED(6)}, {6, 5, "/ab", UNKNOWN},
               {7, 6, "/x", UNKNOWN}, {8, 1, "/c/d", SHADOWED(9)}, {9, 1, "/c", VISIBLE},
               {10, 8, "/d/e", UNKNOWN});
}

static void no_target(void **state)
{
    (void)state;
    CHECK_TREE(1, {1, 0, "/", VISIBLE}, {2, 1, NULL, UNKNOWN}, {3, 1, "", UNKNOWN},
               {4, 1, "a", UNKNOWN}, {5, 2, "/a", UNKNOWN}, {6, 1, "/b", VISIBLE});
    CHECK_TREE(NOTHING, {2, 1, NULL, UNKNOWN});
    CHECK_TREE(9, {9, 8, "/", VISIBLE}, {1, 1, "/", UNREACHABLE}, {2, 1, NULL, UNREACHABLE},
               {3, 1, "/x", UNREACHABLE}, {4, 1, "", UNREACHABLE});
    assert_int_equal(visibility_find(NULL, 0, NULL), 0);
}

static void ids_of_any_size(void **state)
{
    (void)state;
    CHECK_TREE(INT64_MIN, {INT64_MIN, 0, "/", VISIBLE},
               {INT64_MAX, INT64_MIN, "/a", OVERMOUNTED(-7)}, {-7, INT64_MAX, "/a", VISIBLE});
}

/* ---- many ---- */

enum { MANY = 10000, PATH_SIZE = 24 };

struct many {
    struct visibility_mount mounts[MANY];
    char targets[MANY][PATH_SIZE];
};

static struct many *many_new(void)
{
    struct many *many = calloc(1, sizeof(*many));
    assert_non_null(many);
    return many;
}

static void many_set(struct many *many, size_t number, size_t parent, const char *target)
{
    snprintf(many->targets[number], PATH_SIZE, "%s", target);
    many->mounts[number] =
        (struct visibility_mount){.id = (int64_t)number + 1,
                                  .parent = (int64_t)parent + 1,
                                  .target = {many->targets[number], strlen(target)}};
}

static void many_beside_each_other(void **state)
{
    (void)state;
    struct many *many = many_new();
    char target[PATH_SIZE];
    many_set(many, 0, MANY, "/");
    for (size_t i = 1; i < MANY - 1; i++) {
        snprintf(target, sizeof(target), "/m/%zu", i * 7919 % MANY);
        many_set(many, i, 0, target);
    }
    many_set(many, MANY - 1, 0, "/m");
    assert_int_equal(visibility_find(many->mounts, MANY - 1, many->mounts), 0);
    for (size_t i = 0; i < MANY - 1; i++)
        assert_int_equal(many->mounts[i].visibility, VISIBILITY_VISIBLE);
    assert_int_equal(visibility_find(many->mounts, MANY, many->mounts), 0);
    for (size_t i = 1; i < MANY - 1; i++)
        assert_ptr_equal(many->mounts[i].covered_by, &many->mounts[MANY - 1]);
    free(many);
}

static void many_on_each_other(void **state)
{
    (void)state;
    struct many *many = many_new();
    many_set(many, 0, MANY, "/");
    for (size_t i = 1; i < MANY; i++)
        many_set(many, i, i - 1, "/m");
    assert_int_equal(visibility_find(many->mounts, MANY, many->mounts), 0);
    for (size_t i = 1; i < MANY - 1; i++)
        assert_ptr_equal(many->mounts[i].covered_by, &many->mounts[i + 1]);
    assert_int_equal(many->mounts[MANY - 1].visibility, VISIBILITY_VISIBLE);
    free(many);
}

/* All of one parent, at /x, /x/x, ..: each is hidden by the one before. */
static void many_below_each_other(void **state)
{
    (void)state;
    enum { DEEP = 2000 };
    struct visibility_mount *mounts = calloc(DEEP + 1, sizeof(*mounts));
    char *path = malloc(2 * DEEP);
    assert_non_null(mounts);
    assert_non_null(path);
    mounts[0] = (struct visibility_mount){.id = 1, .target = {"/", 1}};
    for (size_t i = 1; i <= DEEP; i++) {
        memcpy(path + 2 * (i - 1), "/x", 2);
        mounts[i] =
            (struct visibility_mount){.id = (int64_t)i + 1, .parent = 1, .target = {path, 2 * i}};
    }
    assert_int_equal(visibility_find(mounts, DEEP + 1, mounts), 0);
    assert_int_equal(mounts[1].visibility, VISIBILITY_VISIBLE);
    for (size_t i = 2; i <= DEEP; i++)
        assert_ptr_equal(mounts[i].covered_by, &mounts[i - 1]);
    free(mounts);
    free(path);
}

/* ---- random trees, looked up step by step ---- */

enum { TREES = 20000, MOUNTS_MOST = 14, NAMES = 4, TARGET_SIZE = 256 };

static const char *const names[NAMES] = {"/a", "/b", "/a-", "/ab"};

/* Mount 0 is the root; `place` is from the parent's root. */
struct model {
    size_t count;
    size_t parents[MOUNTS_MOST];
    char places[MOUNTS_MOST][TARGET_SIZE], targets[MOUNTS_MOST][TARGET_SIZE];
};

static size_t random_below(size_t limit)
{
    static uint64_t seed = 20261123;
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (size_t)(seed >> 33) % limit;
}

static size_t mounted_at(const struct model *model, size_t parent, const char *place)
{
    for (size_t i = 1; i < model->count; i++)
        if (model->parents[i] == parent && strcmp(model->places[i], place) == 0)
            return i;
    return 0;
}

static void model_grow(struct model *model)
{
    const size_t number = model->count;
    size_t parent = random_below(number), depth = random_below(4);
    char *place = model->places[number];
    *place = '\0';
    for (size_t i = 0; i < depth; i++)
        strcat(place, names[random_below(NAMES)]);
    if (mounted_at(model, parent, place))
        return;
    model->parents[number] = parent;
    char target[TARGET_SIZE];
    snprintf(target, sizeof(target), "%.100s%.100s", parent ? model->targets[parent] : "", place);
    memcpy(model->targets[number], target, sizeof(target));
    model->count++;
}

/* As the kernel does it: after each component onto what is mounted there, as long as there is. */
static size_t model_look_up(const struct model *model, const char *target)
{
    size_t mount = 0, next;
    char place[TARGET_SIZE] = "";
    while (*target) {
        size_t length = 1 + strcspn(target + 1, "/");
        strncat(place, target, length);
        target += length;
        while ((next = mounted_at(model, mount, place)) != 0) {
            mount = next;
            *place = '\0';
        }
    }
    return mount;
}

static bool model_is_over_root(const struct model *model, size_t mount)
{
    return mount && model->parents[mount] == 0 && !*model->places[mount];
}

static bool model_is_outside(const struct model *model, size_t mount)
{
    for (; mount; mount = model->parents[mount])
        if (model_is_over_root(model, mount))
            return true;
    return false;
}

/* The mount of the same parent that sits nearest on the way to this one; 0 for none. */
static size_t model_nearest(const struct model *model, size_t mount)
{
    char place[TARGET_SIZE];
    snprintf(place, sizeof(place), "%s", model->places[mount]);
    for (char *end = strrchr(place, '/'); end; end = strrchr(place, '/')) {
        *end = '\0';
        size_t found = mounted_at(model, model->parents[mount], place);
        if (found && !model_is_over_root(model, found))
            return found;
    }
    return 0;
}

static void model_check(const struct model *model, const struct visibility_mount *mounts)
{
    for (size_t i = 0; i < model->count; i++) {
        enum visibility wanted = VISIBILITY_SHADOWED;
        size_t hider = 0;
        if (model_is_outside(model, i))
            wanted = VISIBILITY_UNREACHABLE;
        else if (model_look_up(model, model->targets[i]) == i)
            wanted = VISIBILITY_VISIBLE;
        else if ((hider = mounted_at(model, i, "")) != 0)
            wanted = VISIBILITY_OVERMOUNTED;
        else
            for (size_t at = i; at && !hider; at = model->parents[at])
                hider = model_nearest(model, at);
        assert_int_equal(mounts[i].visibility, wanted);
        assert_ptr_equal(mounts[i].covered_by, hider ? &mounts[hider] : NULL);
    }
}

static void random_trees(void **state)
{
    (void)state;
    size_t seen[VISIBILITY_COUNT] = {0};
    for (size_t tree = 0; tree < TREES; tree++) {
        struct model model = {.count = 1};
        struct visibility_mount mounts[MOUNTS_MOST];
        for (size_t i = 0; i < 2 * MOUNTS_MOST && model.count < MOUNTS_MOST; i++)
            model_grow(&model);
        for (size_t i = 0; i < model.count; i++) {
            const char *target = *model.targets[i] ? model.targets[i] : "/";
            mounts[i] = (struct visibility_mount){.id = (int64_t)i,
                                                  .parent = i ? (int64_t)model.parents[i] : 99,
                                                  .target = {target, strlen(target)}};
        }
        const struct visibility_mount *root = NULL;
        assert_int_equal(visibility_root(mounts, model.count, &root), 0);
        assert_ptr_equal(root, mounts);
        assert_int_equal(visibility_find(mounts, model.count, root), 0);
        model_check(&model, mounts);
        for (size_t i = 0; i < model.count; i++)
            seen[mounts[i].visibility]++;
    }
    for (size_t i = VISIBILITY_VISIBLE; i < VISIBILITY_COUNT; i++)
        assert_true(seen[i] > TREES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_hides_what_lies_beside),
        cmocka_unit_test(in_place),
        cmocka_unit_test(a_stack_of_three),
        cmocka_unit_test(over_a_parent_directory),
        cmocka_unit_test(nested_shadows_name_the_nearest),
        cmocka_unit_test(hidden_and_mounted_again_above),
        cmocka_unit_test(overmounted_below_a_shadow),
        cmocka_unit_test(a_bind_of_a_subtree),
        cmocka_unit_test(over_the_root),
        cmocka_unit_test(detached_after_pivot_root),
        cmocka_unit_test(pivot_root_alone),
        cmocka_unit_test(above_the_bottom),
        cmocka_unit_test(beneath),
        cmocka_unit_test(files_and_odd_names),
        cmocka_unit_test(a_view_from_a_plain_directory),
        cmocka_unit_test(a_view_from_below_a_mount),
        cmocka_unit_test(a_view_from_a_mount),
        cmocka_unit_test(the_root_is_found),
        cmocka_unit_test(circles_of_parents),
        cmocka_unit_test(a_parent_that_is_not_there),
        cmocka_unit_test(an_id_used_again),
        cmocka_unit_test(two_on_one_place),
        cmocka_unit_test(a_target_that_is_not_below_the_parents),
        cmocka_unit_test(no_target),
        cmocka_unit_test(ids_of_any_size),
        cmocka_unit_test(many_beside_each_other),
        cmocka_unit_test(many_on_each_other),
        cmocka_unit_test(many_below_each_other),
        cmocka_unit_test(random_trees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
