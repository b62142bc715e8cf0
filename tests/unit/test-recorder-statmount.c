/* SPDX-License-Identifier: Apache-2.0 */
/* Lines made of answers of statmount(2) are those that mountinfo has. */
#include "recorder/kernel/features.h"
#include "recorder/kernel/mount_calls.h"
#include "recorder/kernel/mountinfo.h"
#include "recorder/kernel/statmount.h"
#include "tests/unit/mount-text.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* An answer with room for its texts. */
struct answer {
    struct statmount_answer head;
    char texts[256];
    uint32_t length;
};

static uint32_t put(struct answer *answer, const char *text)
{
    uint32_t offset = answer->length;
    strcpy(answer->texts + offset, text);
    answer->length += (uint32_t)strlen(text) + 1;
    return offset;
}

static struct answer simple(void)
{
    struct answer answer = {.head = {.mask = STATMOUNT_WANTS_LINE,
                                     .id = 30,
                                     .parent_id = 20,
                                     .device_minor = 45,
                                     .attributes = 0x20}};
    answer.head.root = put(&answer, "/");
    answer.head.target = put(&answer, "/mnt");
    answer.head.fstype = put(&answer, "tmpfs");
    answer.head.source = put(&answer, "scratch");
    answer.head.subtype = put(&answer, "");
    answer.head.options = put(&answer, "");
    return answer;
}

static void check_both_parsers_agree(const struct buffer *lines)
{
    _cleanup_buffer_ struct buffer ours = {0}, theirs = {0};
    size_t our_skipped = 9, their_skipped = 9;
    assert_int_equal(
        mountinfo_parse_made(lines->bytes, lines->length, append_mount, &ours, &our_skipped), 0);
    assert_int_equal(
        mountinfo_parse(lines->bytes, lines->length, append_mount, &theirs, &their_skipped), 0);
    assert_string_equal(buffer_text(&ours), buffer_text(&theirs));
    assert_true(ours.length > 0);
    assert_int_equal(our_skipped, 0);
    assert_int_equal(their_skipped, 0);
}

static void check_line(const struct answer *answer, const char *line)
{
    _cleanup_buffer_ struct buffer lines = {0};
    assert_true(
        statmount_append_line(&lines, &answer->head, sizeof(answer->head) + answer->length));
    assert_string_equal(buffer_text(&lines), line);
    check_both_parsers_agree(&lines);
}

static void the_simplest_line(void **state)
{
    (void)state;
    struct answer answer = simple();
    check_line(&answer, "30 20 0:45 / /mnt rw - tmpfs scratch rw\n");
}

static void all_words(void **state)
{
    (void)state;
    struct answer answer = simple();
    answer.head.attributes = 0x1 | 0x2 | 0x4 | 0x8 | 0x80 | 0x200000 | 0x100000;
    answer.head.super_flags = 1 | 1 << 4 | 1 << 7 | 1 << 25;
    answer.head.options = put(&answer, "size=4k,mode=755");
    answer.head.subtype = put(&answer, "sub");
    check_line(&answer, "30 20 0:45 / /mnt ro,nosuid,nodev,noexec,nodiratime,relatime,nosymfollow,"
                        "idmapped - tmpfs.sub scratch ro,sync,dirsync,lazytime,size=4k,mode=755\n");
    answer.head.attributes = 0x10;
    answer.head.super_flags = 0;
    answer.head.mask &=
        ~(uint64_t)(STATMOUNT_WANTS_OPTIONS | STATMOUNT_WANTS_SUBTYPE | STATMOUNT_WANTS_SOURCE);
    check_line(&answer, "30 20 0:45 / /mnt rw,noatime - tmpfs  rw\n");
}

static void propagation(void **state)
{
    (void)state;
    struct answer answer = simple();
    answer.head.propagation = 1 << 20 | 1 << 19;
    answer.head.peer_group = 7;
    answer.head.master = 5;
    answer.head.propagate_from = 3;
    check_line(&answer,
               "30 20 0:45 / /mnt rw shared:7 master:5 propagate_from:3 - tmpfs scratch rw\n");
    answer.head.propagate_from = 5;
    check_line(&answer, "30 20 0:45 / /mnt rw shared:7 master:5 - tmpfs scratch rw\n");
    answer.head.propagation = 1 << 17;
    check_line(&answer, "30 20 0:45 / /mnt rw unbindable - tmpfs scratch rw\n");
}

static void names_are_escaped(void **state)
{
    (void)state;
    struct answer answer = simple();
    answer.head.root = put(&answer, "/a b");
    answer.head.target = put(&answer, "/t\tn\nb\\h#\xff");
    answer.head.source = put(&answer, "s #\\");
    check_line(&answer,
               "30 20 0:45 /a\\040b /t\\011n\\012b\\134h#\xff rw - tmpfs s\\040\\043\\134 rw\n");
    answer.head.source = put(&answer, "");
    answer.head.root = answer.head.target = put(&answer, "/x");
    check_line(&answer, "30 20 0:45 /x /x rw - tmpfs  rw\n");
}

static void check_none(const struct answer *answer)
{
    struct buffer lines = {0};
    assert_false(
        statmount_append_line(&lines, &answer->head, sizeof(answer->head) + answer->length));
    assert_int_equal(lines.length, 0);
    buffer_free(&lines);
}

/* They would stand in a line as nothing, and what follows in their place. */
static void no_line_of_empty_words(void **state)
{
    (void)state;
    struct answer rootless = simple(), placeless = simple(), typeless = simple();
    rootless.head.root = put(&rootless, "");
    check_none(&rootless);
    placeless.head.target = put(&placeless, "");
    check_none(&placeless);
    typeless.head.fstype = put(&typeless, "");
    check_none(&typeless);
}

static void no_line(void **state)
{
    (void)state;
    struct answer outside = simple(), unfinished = simple(), beyond = simple(),
                  shapeless = simple();
    outside.head.mask &= ~(uint64_t)STATMOUNT_WANTS_TARGET;
    check_none(&outside);
    unfinished.length--; /* the options, which may be absent; and now the one before */
    unfinished.length--;
    unfinished.head.target = unfinished.length;
    check_none(&unfinished);
    beyond.head.root = UINT32_MAX;
    check_none(&beyond);
    shapeless.head.mask = STATMOUNT_WANTS_TARGET;
    check_none(&shapeless);
    struct buffer lines = {0};
    assert_false(statmount_append_line(&lines, &outside.head, sizeof(outside.head) - 1));
}

/* ---- the kernel's own ---- */

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Cuts the table into its lines, and sorts them. */
static size_t sort_lines(struct buffer *table, char **lines, size_t most)
{
    size_t count = 0;
    for (char *line = strtok(table->bytes, "\n"); line && count < most; line = strtok(NULL, "\n"))
        lines[count++] = line;
    qsort(lines, count, sizeof(*lines), compare_lines);
    return count;
}

static void read_own(struct buffer *table)
{
    _cleanup_close_ int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
    assert_return_code(fd, errno);
    assert_true(mountinfo_read(fd, table) >= 0);
}

/* One of each for each line, in their order; as statx(2) has them of a mount that is open. */
static void check_ids(const struct mount_ids_list *ids, const struct buffer *lines)
{
    enum { MNT_ID_UNIQUE = 0x4000 };
    struct span rest = {buffer_text(lines), lines->length};
    struct mountinfo_place place;
    size_t count = 0, found = 0;
    struct statx root, unique;
    assert_return_code(statx(AT_FDCWD, "/", 0, STATX_MNT_ID, &root), errno);
    assert_return_code(statx(AT_FDCWD, "/", 0, MNT_ID_UNIQUE, &unique), errno);
    for (; mountinfo_take_place(&rest, &place); count++) {
        assert_true(count < ids->count);
        assert_int_equal(ids->mounts[count].id, place.id);
        if (ids->mounts[count].unique_id == unique.stx_mnt_id) {
            assert_int_equal(place.id, root.stx_mnt_id);
            found++;
        }
    }
    assert_int_equal(count, ids->count);
    assert_int_equal(found, 1);
}

static void every_mount_of_this_namespace(void **state)
{
    (void)state;
    enum { TRIES = 100, MOST = 4096 };
    _cleanup_buffer_ struct buffer before = {0}, after = {0}, answers = {0};
    _cleanup_mount_ids_list_ struct mount_ids_list ids = {0};
    static char *expected[MOST], *found[MOST];
    if (mount_calls_probe_lines() < 0)
        skip();
    for (unsigned tries = 0; tries < TRIES; tries++) { /* others may mount something meanwhile */
        read_own(&before);
        mount_ids_list_free(&ids);
        assert_int_equal(mount_calls_read(0, &answers, &ids), 0);
        read_own(&after);
        if (!strcmp(buffer_text(&before), buffer_text(&after)))
            break;
    }
    check_ids(&ids, &answers);
    check_both_parsers_agree(&answers);
    size_t count = sort_lines(&before, expected, MOST);
    assert_true(count > 0);
    assert_int_equal(sort_lines(&answers, found, MOST), count);
    for (size_t i = 0; i < count; i++)
        assert_string_equal(found[i], expected[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_simplest_line),
        cmocka_unit_test(all_words),
        cmocka_unit_test(propagation),
        cmocka_unit_test(names_are_escaped),
        cmocka_unit_test(no_line),
        cmocka_unit_test(no_line_of_empty_words),
        cmocka_unit_test(every_mount_of_this_namespace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
