/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of statmount(2): the kernel's, but with names and options that anyone with a user
 * namespace can choose, and from a kernel that may be newer than this program. Whatever a line says
 * is what the answer said. */
#include "recorder/kernel/mountinfo.h"
#include "recorder/kernel/statmount.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/mount-text.h"

#include <string.h>

struct expected {
    const struct statmount_answer *answer;
    const char *texts;
    size_t mounts;
};

static const char *text_of(const struct expected *expected, uint64_t wanted, uint32_t offset)
{
    return expected->answer->mask & wanted ? expected->texts + offset : "";
}

static void check_type(const struct expected *expected, const char *found)
{
    const struct statmount_answer *answer = expected->answer;
    const char *type = text_of(expected, STATMOUNT_WANTS_FSTYPE, answer->fstype);
    fuzz_check(strncmp(found, type, strlen(type)) == 0);
    found += strlen(type);
    fuzz_check(!*found || *found == '.');
}

static int check_mount(void *userdata, const struct mountinfo_mount *mount)
{
    struct expected *expected = userdata;
    const struct statmount_answer *answer = expected->answer;
    fuzz_check(mount->id == answer->id && mount->parent == answer->parent_id);
    fuzz_check(!strcmp(mount->root, text_of(expected, STATMOUNT_WANTS_ROOT, answer->root)));
    fuzz_check(!strcmp(mount->target, text_of(expected, STATMOUNT_WANTS_TARGET, answer->target)));
    check_type(expected, mount->fstype);
    expected->mounts++;
    return 0;
}

/* But for a carriage return at the end of a line, which libmount takes for a part of the newline.
 */
static void check_both_parsers_agree(const struct buffer *lines)
{
    _cleanup_buffer_ struct buffer ours = {0}, theirs = {0};
    size_t our_skipped = 0, their_skipped = 0;
    if (lines->bytes[lines->length - 2] == '\r')
        return;
    fuzz_check(
        !mountinfo_parse(lines->bytes, lines->length, append_mount, &theirs, &their_skipped));
    fuzz_check(
        !mountinfo_parse_made(lines->bytes, lines->length, append_mount, &ours, &our_skipped));
    fuzz_check(our_skipped == their_skipped);
    fuzz_check(!strcmp(buffer_text(&ours), buffer_text(&theirs)));
}

/* An answer of just that size, where a struct may stand. */
static struct statmount_answer *copy_answer(const uint8_t *bytes, size_t length)
{
    struct statmount_answer *answer = malloc(length ? length : 1);
    if (!answer)
        exit(1);
    if (length)
        memcpy(answer, bytes, length);
    return answer;
}

static bool may_be_the_kernels(const struct expected *expected)
{
    const struct statmount_answer *answer = expected->answer;
    return answer->id <= INT32_MAX && answer->parent_id <= INT32_MAX;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct statmount_answer *answer = copy_answer(bytes, length);
    struct expected expected = {.answer = answer, .texts = (const char *)(answer + 1)};
    _cleanup_buffer_ struct buffer lines = {0};
    size_t skipped = 0;
    bool appended = statmount_append_line(&lines, answer, length);
    fuzz_check(appended == (lines.length > 0));
    if (appended) {
        fuzz_check(strchr(lines.bytes, '\n') == lines.bytes + lines.length - 1);
        if (mountinfo_parse(lines.bytes, lines.length, check_mount, &expected, &skipped) == 0)
            fuzz_check(expected.mounts + skipped == 1);
        fuzz_check(skipped <= !may_be_the_kernels(&expected));
        check_both_parsers_agree(&lines);
    }
    free(answer);
    return 0;
}
