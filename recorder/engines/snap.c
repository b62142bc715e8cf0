/* SPDX-License-Identifier: Apache-2.0 */
/* Snaps: each application that runs has a cgroup, whose name is that of the snap and its own. snapd
 * keeps which revisions of a snap are there; what doesn't run is no container. */
#include "recorder/engines/engine.h"

#include "base/array.h"
#include "base/error.h"
#include "recorder/cgroup_names.h"
#include "recorder/engines/inspected.h"
#include "recorder/engines/reading.h"
#include "recorder/kernel/proc_cgroup.h"
#include "recorder/kernel/proc_stat.h"
#include "recorder/kernel/procfs.h"

#include <string.h>

/* More applications nobody runs at once. */
enum { APPLICATIONS_MOST = 1024 };

static const char usual_folder[] = "/var/lib/snapd";

static int found(struct engine_search *search, const struct engine_process *process)
{
    static const struct engine_place place = {.folder = usual_folder};
    return engine_search_add(search, process, &place);
}

static int usual(struct engine_search *search)
{
    return found(search, NULL);
}

/* ---- what runs ---- */

struct application {
    char *id; /* "firefox.firefox" */
    pid_t pid;
    int64_t start_ticks;
};

struct applications {
    struct application *list;
    size_t count, capacity;
};

static void free_applications(struct applications *applications)
{
    for (size_t i = 0; i < applications->count; i++)
        free(applications->list[i].id);
    free(applications->list);
}

static int note(struct applications *applications, const char *id, pid_t pid, int64_t start_ticks)
{
    struct application *application = applications->list;
    for (size_t i = 0; i < applications->count; i++, application++) {
        if (strcmp(application->id, id) != 0)
            continue;
        if (start_ticks < application->start_ticks)
            application->pid = pid, application->start_ticks = start_ticks;
        return 0;
    }
    if (applications->count == APPLICATIONS_MOST)
        return 0;
    if (array_reserve(&applications->list, &applications->capacity, applications->count + 1,
                      sizeof(*applications->list)) < 0)
        return -ENOMEM;
    application = &applications->list[applications->count];
    *application = (struct application){strdup(id), pid, start_ticks};
    if (!application->id)
        return error_memory();
    applications->count++;
    return 0;
}

/* Appends the application's id, if its cgroups name a snap's alone. */
static void append_application(const struct proc_cgroup *cgroup, struct buffer *id)
{
    struct cgroup_name names[CGROUP_NAMES_MOST];
    for (size_t i = 0; i < cgroup->count && !id->length; i++) {
        _cleanup_buffer_ struct buffer key = {0};
        if (cgroup_names_parse(cgroup->entries[i].path, names) != 1 ||
            strcmp(names[0].engine, "snap") != 0)
            continue;
        cgroup_names_append_key(&key, NULL, names, 1);
        buffer_append_text(id, strchr(buffer_text(&key), ':') + 1);
    }
}

static int look_at(struct engine_reading *reading, pid_t pid, struct applications *applications)
{
    char path[32];
    struct proc_cgroup cgroup;
    struct proc_stat stat;
    _cleanup_buffer_ struct buffer id = {0};
    struct buffer *text = &reading->text;
    int proc = reading->reader->proc;
    snprintf(path, sizeof(path), "%d/cgroup", (int)pid);
    if (procfs_read(proc, path, PROCFS_TEXT_MOST, text) < 0 ||
        proc_cgroup_parse(buffer_text(text), text->length, &cgroup) < 0)
        return 0;
    append_application(&cgroup, &id);
    snprintf(path, sizeof(path), "%d/stat", (int)pid);
    if (!id.length || procfs_read(proc, path, PROCFS_TEXT_MOST, text) < 0 ||
        proc_stat_parse(buffer_text(text), text->length, &stat) < 0 || proc_stat_is_ending(&stat))
        return buffer_error(&id);
    return note(applications, buffer_text(&id), pid, stat.fields[STAT_START_TICKS]);
}

/* ---- what is known of it ---- */

/* The revision that is the current one, of those in the snap's "sequence". */
static const cJSON *find_current(const cJSON *document)
{
    const char *current = json_get_string(document, "current");
    const cJSON *revision;
    cJSON_ArrayForEach (revision, json_get(document, "sequence")) {
        const char *number = json_get_string(revision, "revision");
        if (current && number && strcmp(number, current) == 0)
            return revision;
    }
    return NULL;
}

static void set_revision(struct engine_reading *reading, const char *snap, const cJSON *document)
{
    static const char *const members[] = {"channel", "revision", "snap-id"};
    const cJSON *revision = find_current(document);
    const char *number = json_get_string(revision, "revision");
    _cleanup_buffer_ struct buffer image = {0};
    _cleanup_json_ cJSON *labels = cJSON_CreateObject();
    buffer_append_format(&image, "%s_%s.snap", snap, number ? number : "");
    engine_set_text(reading, CONTAINER_IMAGE, number ? buffer_text(&image) : NULL);
    for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++)
        if (json_get_string(revision, members[i]))
            cJSON_AddItemToObject(labels, members[i],
                                  cJSON_Duplicate(json_get(revision, members[i]), true));
    engine_set_json(reading, CONTAINER_LABELS, labels, NULL);
    engine_add_group(reading, "snap", snap);
}

static int hand_over(struct engine_reading *reading, const struct application *application)
{
    static const char *const environments[] = {NULL};
    _cleanup_buffer_ struct buffer path = {0}, text = {0};
    _cleanup_json_ cJSON *document = NULL;
    _cleanup_free_ char *snap = strndup(application->id, strcspn(application->id, "."));
    buffer_append_format(&path, "%s/sequence/%s.json", engine_reading_place(reading)->folder,
                         snap ? snap : "");
    if (!snap || path.failed)
        return error_memory();
    if (strchr(snap, '/')) /* no snap's: whoever calls his cgroup so looks for another file */
        return 0;
    int r = engine_read_json(reading, path.bytes, &text, &document);
    if (r == -ENOENT) /* its cgroup alone tells of it */
        return 0;
    if (r < 0)
        return engine_gap(reading, application->id, -r, "cannot read the revisions of its snap");
    if (!engine_container_begin(reading, application->id))
        return error_memory();
    engine_set_text(reading, CONTAINER_NAME, application->id);
    record_set_integer(engine_container(reading), CONTAINER_PID, application->pid);
    record_set_integer(engine_container(reading), CONTAINER_START_TICKS, application->start_ticks);
    reading->pid_is_ours = true;
    set_revision(reading, snap, document);
    engine_keep_document(reading, &text, document, environments);
    return engine_container_end(reading);
}

static int read_all(struct engine_reading *reading)
{
    _cleanup_(free_applications) struct applications applications = {0};
    _cleanup_number_list_ struct number_list processes = {0};
    _cleanup_buffer_ struct buffer path = {0};
    int r = 0;
    buffer_append_format(&path, "%s/sequence", engine_reading_place(reading)->folder);
    if (path.failed)
        return error_memory();
    if (!engine_has_file(reading, path.bytes) ||
        procfs_list_numbers(reading->reader->proc, ".", &processes) < 0)
        return -ENOENT;
    for (size_t i = 0; i < processes.count && r >= 0; i++)
        r = look_at(reading, processes.numbers[i], &applications);
    for (size_t i = 0; i < applications.count && r >= 0; i++)
        r = hand_over(reading, &applications.list[i]);
    return r;
}

static const char *const programs[] = {"snapd", NULL};

const struct engine engine_snap = {
    .name = "snap",
    .programs = programs,
    .found = found,
    .usual = usual,
    .read = read_all,
    .state_is_seen = true,
};
