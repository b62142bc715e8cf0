/* SPDX-License-Identifier: Apache-2.0 */
/* libmount is the parser that everyone's tools use, and it has habits that would let facts get
 * lost:
 *
 * - it takes the format from the first line, so we put a good one in front;
 * - it skips lines that it cannot parse, takes some for comments, and lets large numbers wrap, so
 * we give it only lines that begin with two ids, and walk along them to count those without a
 * mount;
 * - it replaces the source /dev/root by a guess that it makes on the live host, so we take that
 * source from the raw line. */
#include "recorder/kernel/mountinfo.h"

#include "base/error.h"
#include "recorder/kernel/libmount.h"
#include "recorder/kernel/procfs.h"
#include "recorder/kernel/span.h"

#include <poll.h>
#include <string.h>
#include <sys/sysmacros.h>

static const char first_line[] = "0 0 0:0 / / rw - none none rw\n";

/* A table and where we are in it. */
struct parsed {
    const struct mount_library *lib;
    struct libmnt_table *table;
    struct libmnt_iter *iterator;
};

static void parsed_free(struct parsed *parsed)
{
    if (!parsed->lib)
        return;
    parsed->lib->unref_table(parsed->table);
    parsed->lib->free_iter(parsed->iterator);
}

enum { READS_MOST = 4 };

/* select(2) and poll(2) on it, proc_pid_mounts(5). */
bool mountinfo_has_changed(int fd)
{
    struct pollfd ask = {.fd = fd, .events = POLLPRI};
    return poll(&ask, 1, 0) > 0 && (ask.revents & POLLPRI);
}

int mountinfo_read(int fd, struct buffer *table)
{
    for (unsigned reads = 0; reads < READS_MOST; reads++) {
        buffer_clear(table);
        int r = lseek(fd, 0, SEEK_SET) < 0
                    ? -errno
                    : procfs_read_table_descriptor(fd, PROCFS_TABLE_MOST, table);
        if (r < 0 || !mountinfo_has_changed(fd))
            return r;
    }
    return 1;
}

static int skip_line(struct libmnt_table *table, const char *file, int line)
{
    (void)table, (void)file, (void)line;
    return 1; /* go on with the next line */
}

/* Takes both ids that each line begins with; nothing else is a line. */
static bool take_ids(struct span *rest, int64_t ret_ids[static 2])
{
    struct span word;
    for (unsigned i = 0; i < 2; i++)
        if (!span_take(rest, ' ', &word) || !span_integer(word, &ret_ids[i]) || ret_ids[i] < 0 ||
            ret_ids[i] > INT32_MAX)
            return false;
    return true;
}

static bool parse_ids(struct span line, int64_t *ret_id)
{
    int64_t ids[2];
    if (!take_ids(&line, ids))
        return false;
    *ret_id = ids[0];
    return true;
}

bool mountinfo_take_place(struct span *rest, struct mountinfo_place *ret_place)
{
    struct span line, device, root, target;
    int64_t ids[2];
    while (span_take(rest, '\n', &line)) {
        if (!take_ids(&line, ids) || !span_take(&line, ' ', &device) ||
            !span_take(&line, ' ', &root) || !span_take(&line, ' ', &target))
            continue;
        *ret_place = (struct mountinfo_place){.id = ids[0], .parent = ids[1], .target = target};
        return true;
    }
    return false;
}

static void append_lines(struct buffer *copy, struct span rest)
{
    struct span line;
    int64_t id;
    buffer_append_text(copy, first_line);
    while (span_take(&rest, '\n', &line)) {
        if (!parse_ids(line, &id))
            continue;
        buffer_append(copy, line.bytes, line.length);
        buffer_append_char(copy, '\n');
    }
}

static int parse_stream(const struct parsed *parsed, FILE *stream)
{
    parsed->lib->table_set_parser_errcb(parsed->table, skip_line);
    int r = parsed->lib->table_parse_stream(parsed->table, stream, "mountinfo");
    if (r < 0) /* lines that it cannot parse are skipped: what is left is memory */
        return error_set(ENOMEM, "no memory left for a mountinfo file (libmount: %s)",
                         strerror(-r));
    return 0;
}

/* What is made is the caller's to free, also after an error. */
static int parse_table(struct span file, struct parsed *parsed)
{
    _cleanup_buffer_ struct buffer copy = {0};
    int r = mount_library(&parsed->lib);
    if (r < 0)
        return r;
    append_lines(&copy, file);
    parsed->table = parsed->lib->new_table();
    parsed->iterator = parsed->lib->new_iter(MNT_ITER_FORWARD);
    if (!parsed->table || !parsed->iterator || copy.failed)
        return error_memory();
    _cleanup_fclose_ FILE *stream = fmemopen(copy.bytes, copy.length, "r");
    return stream ? parse_stream(parsed, stream) : error_memory();
}

/* NULL behind the last one. */
static struct libmnt_fs *next_mount(const struct parsed *parsed)
{
    struct libmnt_fs *fs = NULL;
    parsed->lib->table_next_fs(parsed->table, parsed->iterator, &fs);
    return fs;
}

/* The source of a raw line: the second word behind the separator. */
static bool raw_source_is(struct span line, const char *source)
{
    struct span rest = line, word;
    while (span_take(&rest, ' ', &word))
        if (span_is(word, "-"))
            return span_take(&rest, ' ', &word) && span_take(&rest, ' ', &word) &&
                   span_is(word, source);
    return false;
}

/* One of the optional fields, "shared:1 master:2 unbindable". */
static int64_t peer_group(struct span fields, const char *name)
{
    struct span word, field;
    int64_t group;
    while (span_take_word(&fields, &word))
        if (span_take(&word, ':', &field) && span_is(field, name) && span_integer(word, &group) &&
            group > 0)
            return group;
    return 0;
}

static bool has_field(struct span fields, const char *name)
{
    struct span word;
    while (span_take_word(&fields, &word))
        if (span_is(word, name))
            return true;
    return false;
}

static struct mountinfo_mount mount_of(const struct mount_library *lib, struct libmnt_fs *fs,
                                       struct span line)
{
    const char *optional = lib->fs_get_optional_fields(fs);
    const struct span fields = {optional, optional ? strlen(optional) : 0};
    dev_t device = lib->fs_get_devno(fs);
    return (struct mountinfo_mount){
        .id = lib->fs_get_id(fs),
        .parent = lib->fs_get_parent_id(fs),
        .device_major = major(device),
        .device_minor = minor(device),
        .root = lib->fs_get_root(fs),
        .target = lib->fs_get_target(fs),
        .options = lib->fs_get_vfs_options(fs),
        .fstype = lib->fs_get_fstype(fs),
        .source = raw_source_is(line, "/dev/root") ? "/dev/root" : lib->fs_get_source(fs),
        .super_options = lib->fs_get_fs_options(fs),
        .shared = peer_group(fields, "shared"),
        .master = peer_group(fields, "master"),
        .propagate_from = peer_group(fields, "propagate_from"),
        .unbindable = has_field(fields, "unbindable"),
    };
}

/* Whether libmount made this mount of this line. */
static bool is_of_line(const struct mount_library *lib, struct libmnt_fs *fs, struct span line)
{
    int64_t id;
    return fs && parse_ids(line, &id) && id == lib->fs_get_id(fs);
}

static bool has_text(const char *field)
{
    return field && *field;
}

/* Whether every field is there that a line of the kernel's always has. libmount lets some be
 * absent, and makes an empty one of \000. */
static bool is_whole(const struct mountinfo_mount *mount)
{
    return has_text(mount->root) && has_text(mount->target) && has_text(mount->options) &&
           has_text(mount->fstype) && mount->source && has_text(mount->super_options);
}

int mountinfo_parse(const char *bytes, size_t length,
                    int (*each)(void *userdata, const struct mountinfo_mount *mount),
                    void *userdata, size_t *ret_skipped)
{
    _cleanup_(parsed_free) struct parsed parsed = {0};
    int r = parse_table((struct span){bytes, length}, &parsed);
    if (r < 0)
        return r;
    next_mount(&parsed); /* our own first line */
    struct libmnt_fs *fs = next_mount(&parsed);
    struct span rest = {bytes, length}, line;
    size_t skipped = 0;
    while (span_take(&rest, '\n', &line)) {
        if (!is_of_line(parsed.lib, fs, line)) {
            skipped += line.length > 0;
            continue;
        }
        struct mountinfo_mount mount = mount_of(parsed.lib, fs, line);
        bool whole = is_whole(&mount);
        skipped += !whole;
        r = whole ? each(userdata, &mount) : 0;
        if (r)
            return r;
        fs = next_mount(&parsed);
    }
    *ret_skipped = skipped;
    return 0;
}

/* ---- lines of our own ---- */

/* The byte that three octal digits stand for. */
static bool parse_octal(const char *digits, char *ret_byte)
{
    unsigned byte = 0;
    for (unsigned i = 0; i < 3; i++) {
        if (digits[i] < '0' || digits[i] > '7')
            return false;
        byte = byte << 3 | (unsigned)(digits[i] - '0');
    }
    *ret_byte = (char)byte;
    return true;
}

/* Puts the field there without its escapes, and a NUL behind it; `ret_text` is where it begins. The
 * end is returned. */
static char *put_field(char *at, struct span field, const char **ret_text)
{
    *ret_text = at;
    for (const char *next = field.bytes, *end = next + field.length; next < end;) {
        if (*next == '\\' && end - next > 3 && parse_octal(next + 1, at)) {
            at++;
            next += 4;
            continue;
        }
        *at++ = *next++;
    }
    *at = '\0';
    return at + 1;
}

static bool parse_device(struct span device, struct mountinfo_mount *mount)
{
    struct span number;
    uint64_t major_number, minor_number;
    if (!span_take(&device, ':', &number) || !span_unsigned(number, 10, &major_number) ||
        !span_unsigned(device, 10, &minor_number))
        return false;
    mount->device_major = (uint32_t)major_number;
    mount->device_minor = (uint32_t)minor_number;
    return true;
}

/* The words between the options and the separator, and the separator. */
static bool take_optional_fields(struct span *rest, struct span *ret_fields)
{
    struct span word;
    ret_fields->bytes = rest->bytes;
    while (span_take(rest, ' ', &word))
        if (span_is(word, "-")) {
            ret_fields->length = (size_t)(word.bytes - ret_fields->bytes);
            return true;
        }
    return false;
}

enum { LINE_FIELDS = 6 };

/* `texts` has room for the line and a NUL for each of its fields. */
static bool parse_made(struct span line, char *texts, struct mountinfo_mount *mount)
{
    int64_t ids[2];
    struct span device, root, target, options, fields, fstype, source;
    if (!take_ids(&line, ids) || !span_take(&line, ' ', &device) || !span_take(&line, ' ', &root) ||
        !span_take(&line, ' ', &target) || !span_take(&line, ' ', &options) ||
        !take_optional_fields(&line, &fields) || !span_take(&line, ' ', &fstype) ||
        !span_take(&line, ' ', &source) || !parse_device(device, mount))
        return false;
    mount->id = ids[0];
    mount->parent = ids[1];
    mount->shared = peer_group(fields, "shared");
    mount->master = peer_group(fields, "master");
    mount->propagate_from = peer_group(fields, "propagate_from");
    mount->unbindable = has_field(fields, "unbindable");
    texts = put_field(texts, root, &mount->root);
    texts = put_field(texts, target, &mount->target);
    texts = put_field(texts, options, &mount->options);
    texts = put_field(texts, fstype, &mount->fstype);
    texts = put_field(texts, source, &mount->source);
    put_field(texts, line, &mount->super_options);
    return is_whole(mount);
}

int mountinfo_parse_made(const char *bytes, size_t length,
                         int (*each)(void *userdata, const struct mountinfo_mount *mount),
                         void *userdata, size_t *ret_skipped)
{
    _cleanup_buffer_ struct buffer texts = {0};
    struct span rest = {bytes, length}, line;
    size_t skipped = 0;
    while (span_take(&rest, '\n', &line)) {
        struct mountinfo_mount mount;
        char *room = buffer_reserve(&texts, line.length + LINE_FIELDS);
        if (!room)
            return error_memory();
        bool whole = parse_made(line, room, &mount);
        skipped += !whole;
        int r = whole ? each(userdata, &mount) : 0;
        if (r)
            return r;
    }
    *ret_skipped = skipped;
    return 0;
}
