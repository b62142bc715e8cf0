/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts over /proc/PID: whoever opens the process by its number finds something else there, while
 * the list of /proc still has it. */
#include "base/error.h"
#include "base/text.h"
#include "recorder/crossviews.h"
#include "recorder/kernel/mountinfo.h"

#include <string.h>

/* The process whose folder the mount covers; 0 for none. */
static pid_t covered_process(const struct mountinfo_mount *mount)
{
    static const char proc[] = "/proc/";
    struct span target = {mount->target, strlen(mount->target)};
    uint64_t pid;
    if (!span_starts(target, proc))
        return 0;
    target = (struct span){target.bytes + strlen(proc), target.length - strlen(proc)};
    return span_unsigned(target, 10, &pid) && pid < NUMBER_SET_MOST ? (pid_t)pid : 0;
}

static int note_cover(void *userdata, const struct mountinfo_mount *mount)
{
    struct crossviews *views = userdata;
    pid_t pid = covered_process(mount);
    if (pid)
        number_set_add(&views->covered, pid);
    return 0;
}

int crossviews_find_covered(struct crossviews *views)
{
    const struct host *host = views->capture->host;
    char path[32];
    size_t skipped;
    int r = number_set_begin(&views->covered);
    snprintf(path, sizeof(path), "%d/mountinfo", (int)host->self);
    if (r >= 0 && procfs_read_table(host->proc, path, PROCFS_TABLE_MOST, &views->mounts) < 0)
        buffer_clear(&views->mounts);
    return r < 0 ? r
                 : mountinfo_parse(buffer_text(&views->mounts), views->mounts.length, note_cover,
                                   views, &skipped);
}

/* What covers one process. */
struct cover {
    pid_t pid;
    struct buffer *text;
};

/* Of several in one place the last one is on top. */
static int describe_cover(void *userdata, const struct mountinfo_mount *mount)
{
    const struct cover *cover = userdata;
    if (covered_process(mount) != cover->pid)
        return 0;
    buffer_clear(cover->text);
    buffer_append_format(cover->text, "covered by mount %lld: ", (long long)mount->id);
    text_append_captured(cover->text, mount->fstype, strlen(mount->fstype));
    buffer_append_char(cover->text, ' ');
    text_append_captured(cover->text, mount->root, strlen(mount->root));
    return 0;
}

int crossviews_describe_cover(struct crossviews *views, pid_t pid, struct buffer *text)
{
    struct cover cover = {pid, text};
    size_t skipped;
    int r = mountinfo_parse(buffer_text(&views->mounts), views->mounts.length, describe_cover,
                            &cover, &skipped);
    return r < 0 ? r : buffer_error(text);
}
