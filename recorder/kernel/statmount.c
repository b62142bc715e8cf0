/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/kernel/statmount.h"

#include <string.h>

_Static_assert(sizeof(struct statmount_answer) == 512, "the kernel's struct statmount");

struct flag {
    uint64_t bit;
    const char *word;
};

/* MOUNT_ATTR_* of mount_setattr(2), in the order of show_mnt_opts(). */
static const struct flag attribute_words[] = {
    {0x2, ",nosuid"},      {0x4, ",nodev"},  {0x8, ",noexec"},           {0x10, ",noatime"},
    {0x80, ",nodiratime"}, {0, ",relatime"}, {0x200000, ",nosymfollow"}, {0x100000, ",idmapped"},
};
enum { ATTRIBUTE_READ_ONLY = 0x1, ATTRIBUTE_ATIME = 0x70 };

/* SB_*, in the order of show_sb_opts(). */
static const struct flag super_words[] = {
    {1 << 4, ",sync"}, {1 << 7, ",dirsync"}, {1 << 25, ",lazytime"}};
enum { SUPER_READ_ONLY = 0x1 };

/* MS_* of mount(2). */
enum {
    PROPAGATION_UNBINDABLE = 1 << 17,
    PROPAGATION_SLAVE = 1 << 19,
    PROPAGATION_SHARED = 1 << 20
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* A text of the answer, NULL where the kernel gave none, or one that doesn't end. */
static const char *text_of(const struct statmount_answer *answer, size_t length, uint64_t wanted,
                           uint32_t offset)
{
    const char *texts = (const char *)(answer + 1);
    size_t room = length - sizeof(*answer);
    if (!(answer->mask & wanted) || offset >= room || !memchr(texts + offset, '\0', room - offset))
        return NULL;
    return texts + offset;
}

/* A word that is empty would make the next one take its place. */
static bool has_text(const char *text)
{
    return text && *text;
}

static void append_number(struct buffer *line, uint32_t number, char separator)
{
    buffer_append_unsigned(line, number);
    buffer_append_char(line, separator);
}

/* As seq_escape() of the kernel does it: each of `special` in octal. */
static void append_escaped(struct buffer *line, const char *text, const char *special)
{
    for (;;) {
        size_t run = strcspn(text, special);
        buffer_append(line, text, run);
        text += run;
        if (!*text)
            return;
        buffer_append_format(line, "\\%03o", (unsigned)(unsigned char)*text++);
    }
}

static void append_words(struct buffer *line, const struct flag *flags, size_t count, uint64_t bits)
{
    for (size_t i = 0; i < count; i++)
        if (flags[i].bit && (bits & flags[i].bit) == flags[i].bit)
            buffer_append_text(line, flags[i].word);
}

/* relatime is the access time's mode 0, and strictatime the one without a word. */
static void append_attributes(struct buffer *line, uint64_t attributes)
{
    buffer_append_text(line, attributes & ATTRIBUTE_READ_ONLY ? "ro" : "rw");
    for (size_t i = 0; i < COUNT_OF(attribute_words); i++) {
        const struct flag *flag = &attribute_words[i];
        if (flag->bit ? (attributes & flag->bit) != 0 : !(attributes & ATTRIBUTE_ATIME))
            buffer_append_text(line, flag->word);
    }
}

static void append_propagation(struct buffer *line, const struct statmount_answer *answer)
{
    if (answer->propagation & PROPAGATION_SHARED)
        buffer_append_format(line, " shared:%llu", (unsigned long long)answer->peer_group);
    if (answer->propagation & PROPAGATION_SLAVE) {
        buffer_append_format(line, " master:%llu", (unsigned long long)answer->master);
        if (answer->mask & STATMOUNT_WANTS_PROPAGATE_FROM && answer->propagate_from &&
            answer->propagate_from != answer->master)
            buffer_append_format(line, " propagate_from:%llu",
                                 (unsigned long long)answer->propagate_from);
    }
    if (answer->propagation & PROPAGATION_UNBINDABLE)
        buffer_append_text(line, " unbindable");
}

/* The file system's own options come escaped already, as in mountinfo. */
static void append_super_options(struct buffer *line, const struct statmount_answer *answer,
                                 const char *options)
{
    buffer_append_text(line, answer->super_flags & SUPER_READ_ONLY ? "ro" : "rw");
    append_words(line, super_words, COUNT_OF(super_words), answer->super_flags);
    if (has_text(options)) {
        buffer_append_char(line, ',');
        append_escaped(line, options, " \t\n");
    }
}

bool statmount_append_line(struct buffer *lines, const struct statmount_answer *answer,
                           size_t length)
{
    enum { NEEDED = STATMOUNT_WANTS_SUPER | STATMOUNT_WANTS_MOUNT };
    if (length < sizeof(*answer) || (answer->mask & NEEDED) != NEEDED)
        return false;
    const char *root = text_of(answer, length, STATMOUNT_WANTS_ROOT, answer->root);
    const char *target = text_of(answer, length, STATMOUNT_WANTS_TARGET, answer->target);
    const char *fstype = text_of(answer, length, STATMOUNT_WANTS_FSTYPE, answer->fstype);
    const char *subtype = text_of(answer, length, STATMOUNT_WANTS_SUBTYPE, answer->subtype);
    const char *source = text_of(answer, length, STATMOUNT_WANTS_SOURCE, answer->source);
    const char *options = text_of(answer, length, STATMOUNT_WANTS_OPTIONS, answer->options);
    static const char specials[] = " \t\n\\", name_specials[] = " \t\n\\#";
    if (!has_text(root) || !has_text(target) || !has_text(fstype))
        return false;
    append_number(lines, answer->id, ' ');
    append_number(lines, answer->parent_id, ' ');
    append_number(lines, answer->device_major, ':');
    append_number(lines, answer->device_minor, ' ');
    append_escaped(lines, root, specials);
    buffer_append_char(lines, ' ');
    append_escaped(lines, target, specials);
    buffer_append_char(lines, ' ');
    append_attributes(lines, answer->attributes);
    append_propagation(lines, answer);
    buffer_append_text(lines, " - ");
    append_escaped(lines, fstype, name_specials);
    if (has_text(subtype)) {
        buffer_append_char(lines, '.');
        append_escaped(lines, subtype, name_specials);
    }
    buffer_append_char(lines, ' ');
    append_escaped(lines, source ? source : "", name_specials); /* the kernel omits an empty one */
    buffer_append_char(lines, ' ');
    append_super_options(lines, answer, options);
    buffer_append_char(lines, '\n');
    return true;
}
