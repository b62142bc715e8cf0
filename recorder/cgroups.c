/* SPDX-License-Identifier: Apache-2.0 */
/* Cgroups: a walk over each hierarchy that is mounted, always one step below an open directory. */
#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "recorder/capture.h"
#include "recorder/kernel/procfs.h"

#include <fcntl.h>
#include <sys/stat.h>

/* One descriptor is open for each level; systemd and container engines stay below 16. */
enum { DEEPEST = 200 };

struct walk {
    struct capture *capture;
    const struct hierarchy *hierarchy;
    struct buffer path; /* of the cgroup that is being read, as captured */
    struct buffer text, controllers, type, scratch;
    size_t done;
};

static int report(struct walk *walk, int code, const char *detail)
{
    _cleanup_buffer_ struct buffer subject = {0};
    text_append_captured(&subject, walk->hierarchy->key, strlen(walk->hierarchy->key));
    buffer_append_char(&subject, ':');
    size_t path = subject.length;
    text_append_captured(&subject, walk->path.bytes, walk->path.length);
    int r = buffer_error(&subject);
    return r < 0 ? r
                 : collector_gap(walk->capture->sink, SOURCE_CGROUPS, buffer_text(&subject), code,
                                 detail, KIND_CGROUP, subject.bytes + path);
}

/* ["cpu","memory"] of words parted by the delimiter; a named hierarchy has no controller. */
static void append_words(struct buffer *json, struct span rest, char delimiter)
{
    struct span word;
    buffer_clear(json);
    buffer_append_char(json, '[');
    while (span_take(&rest, delimiter, &word)) {
        if (!word.length || span_starts(word, "name="))
            continue;
        if (json->length > 1)
            buffer_append_char(json, ',');
        json_append_captured(json, word.bytes, word.length);
    }
    buffer_append_char(json, ']');
}

static struct span read_trimmed(struct walk *walk, int directory, const char *name)
{
    if (procfs_read(directory, name, PROCFS_TEXT_MOST, &walk->scratch) < 0)
        return (struct span){0};
    return span_trim((struct span){buffer_text(&walk->scratch), walk->scratch.length});
}

static void set_controllers(struct walk *walk, struct record *record, int directory)
{
    const char *key = walk->hierarchy->key;
    struct span words = {key, strlen(key)};
    if (walk->hierarchy->version == 2)
        words = read_trimmed(walk, directory, "cgroup.controllers");
    if (!words.bytes)
        return;
    append_words(&walk->controllers, words, walk->hierarchy->version == 2 ? ' ' : ',');
    record_set_text(record, CGROUP_CONTROLLERS, buffer_text(&walk->controllers));
}

/* The root has no cgroup.type; it is a domain. */
static void set_type(struct walk *walk, struct record *record, int directory, bool is_root)
{
    if (walk->hierarchy->version != 2)
        return;
    struct span type = is_root ? (struct span){"domain", strlen("domain")}
                               : read_trimmed(walk, directory, "cgroup.type");
    buffer_clear(&walk->type);
    text_append_captured(&walk->type, type.bytes, type.length);
    if (walk->type.length)
        record_set_text(record, CGROUP_CGROUP_TYPE, buffer_text(&walk->type));
}

/* The inode number means nothing in a copy. */
static void set_inode(const struct walk *walk, struct record *record, int directory)
{
    struct stat status;
    if (walk->capture->host->live && fstat(directory, &status) == 0)
        record_set_integer(record, CGROUP_INODE, (int64_t)status.st_ino);
}

static int record_cgroup(struct walk *walk, int directory)
{
    struct record record;
    bool is_root = walk->path.length == 1;
    record_begin(&record, KIND_CGROUP);
    record_set_text(&record, CGROUP_HIERARCHY, walk->hierarchy->key);
    buffer_clear(&walk->text);
    text_append_captured(&walk->text, walk->path.bytes, walk->path.length);
    record_set_text(&record, CGROUP_PATH, buffer_text(&walk->text));
    record_set_integer(&record, CGROUP_VERSION, walk->hierarchy->version);
    set_inode(walk, &record, directory);
    set_type(walk, &record, directory, is_root);
    set_controllers(walk, &record, directory);
    enum frozen frozen = hierarchy_frozen(walk->hierarchy, directory, is_root, &walk->scratch);
    if (frozen == FROZEN_YES || frozen == FROZEN_NO)
        record_set_integer(&record, CGROUP_FROZEN, frozen == FROZEN_YES);
    if (walk->text.failed || walk->controllers.failed || walk->type.failed)
        return error_memory();
    capture_progress(walk->capture, "cgroups", ++walk->done, 0);
    return sink_record(walk->capture->sink, &record);
}

static int walk_cgroup(struct walk *walk, int directory, unsigned depth);

/* A cgroup that is gone by now is as if it hadn't been listed. */
static int walk_child(struct walk *walk, int directory, const char *name, unsigned depth)
{
    size_t length = walk->path.length;
    if (walk->path.bytes[length - 1] != '/')
        buffer_append_char(&walk->path, '/');
    buffer_append_text(&walk->path, name);
    int r = buffer_error(&walk->path);
    if (r < 0)
        return r;
    _cleanup_close_ int child = procfs_open_directory(directory, name);
    if (child >= 0)
        r = walk_cgroup(walk, child, depth + 1);
    else if (child != -ENOENT)
        r = report(walk, -child, "cannot be opened");
    walk->path.length = length;
    walk->path.bytes[length] = '\0';
    return r;
}

static int walk_cgroup(struct walk *walk, int directory, unsigned depth)
{
    _cleanup_closedir_ DIR *listing = NULL;
    int r = record_cgroup(walk, directory);
    if (r < 0 || !hierarchy_may_go_on(walk->capture->host, directory))
        return r;
    if (depth == DEEPEST)
        return report(walk, ELOOP, "it is too deep to look further down");
    r = procfs_open_listing(directory, ".", &listing);
    if (r < 0)
        return r == -ENOENT ? 0 : report(walk, -r, "cannot be listed");
    for (const struct dirent *entry; r >= 0 && (errno = 0, entry = readdir(listing));)
        if (entry->d_type == DT_DIR && strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
            r = walk_child(walk, directory, entry->d_name, depth);
    if (r >= 0 && errno && errno != ENOENT)
        r = report(walk, errno, "cannot be listed to its end");
    return r;
}

static int walk_hierarchy(struct capture *capture, const struct hierarchy *hierarchy)
{
    struct walk walk = {.capture = capture, .hierarchy = hierarchy};
    buffer_append_text(&walk.path, hierarchy->mount_root);
    int r = buffer_error(&walk.path);
    if (r >= 0)
        r = walk_cgroup(&walk, hierarchy->directory, 0);
    struct buffer *buffers[] = {&walk.path, &walk.text, &walk.controllers, &walk.type,
                                &walk.scratch};
    for (size_t i = 0; i < sizeof(buffers) / sizeof(*buffers); i++)
        buffer_free(buffers[i]);
    return r;
}

int cgroups_collect(struct capture *capture)
{
    int r = 0;
    for (size_t i = 0; i < capture->hierarchies.count && r >= 0; i++)
        if (capture->hierarchies.list[i].directory >= 0)
            r = walk_hierarchy(capture, &capture->hierarchies.list[i]);
    return r;
}
