/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/engines/reading.h"

#include "base/array.h"
#include "base/error.h"
#include "base/text.h"
#include "recorder/engines/message.h"
#include "recorder/kernel/proc_stat.h"
#include "recorder/kernel/procfs.h"
#include "recorder/kernel/rooted.h"

#include <fcntl.h>
#include <sys/stat.h>

/* A document of an engine about one container, or one file. */
enum { DOCUMENT_MOST = 16 << 20, CONTAINERS_MOST = 20000 };

const struct engine_place *engine_reading_place(const struct engine_reading *reading)
{
    return &reading->found->place;
}

struct engine_client *engine_reading_client(struct engine_reading *reading)
{
    return reading->client;
}

/* ---- files ---- */

int engine_open_file(struct engine_reading *reading, const char *path)
{
    return rooted_open_file(reading->found->root, path);
}

int engine_read_file(struct engine_reading *reading, const char *path, size_t limit,
                     struct buffer *into)
{
    _cleanup_close_ int fd = engine_open_file(reading, path);
    buffer_clear(into);
    return fd < 0 ? fd : procfs_read_table_descriptor(fd, limit, into);
}

int engine_read_json(struct engine_reading *reading, const char *path, struct buffer *text,
                     cJSON **ret_json)
{
    int r = engine_read_file(reading, path, DOCUMENT_MOST, text);
    if (r < 0)
        return r;
    _cleanup_json_ cJSON *json = cJSON_ParseWithLength(buffer_text(text), text->length);
    if (!cJSON_IsObject(json) && !cJSON_IsArray(json))
        return -EBADMSG;
    *ret_json = steal_pointer(json);
    return 0;
}

int engine_file_written(struct engine_reading *reading, const char *path,
                        struct timespec *ret_moment)
{
    struct stat status;
    _cleanup_close_ int fd = rooted_open_path(reading->found->root, path);
    if (fd < 0 || fstat(fd, &status) < 0)
        return fd < 0 ? fd : -errno;
    *ret_moment = status.st_mtim;
    return 0;
}

bool engine_has_file(struct engine_reading *reading, const char *path)
{
    _cleanup_close_ int fd = rooted_open_path(reading->found->root, path);
    return fd >= 0;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

struct names {
    char **names;
    size_t count, capacity;
};

static void free_names(struct names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->names[i]);
    free(names->names);
}

static bool may_be(const struct dirent *entry, unsigned char type)
{
    return entry->d_type == type || entry->d_type == DT_LNK || entry->d_type == DT_UNKNOWN;
}

static int list_names(DIR *listing, unsigned char type, struct names *names)
{
    const struct dirent *entry;
    while ((errno = 0, entry = readdir(listing))) {
        if (!may_be(entry, type) || !strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
            continue;
        if (names->count == CONTAINERS_MOST)
            return -EFBIG;
        if (array_reserve(&names->names, &names->capacity, names->count + 1,
                          sizeof(*names->names)) < 0 ||
            !(names->names[names->count] = strdup(entry->d_name)))
            return -ENOMEM;
        names->count++;
    }
    return -errno;
}

static int each_name(struct engine_reading *reading, const char *path, unsigned char type,
                     int (*each)(struct engine_reading *reading, const char *name, void *userdata),
                     void *userdata)
{
    _cleanup_(free_names) struct names names = {0};
    _cleanup_closedir_ DIR *listing = NULL;
    _cleanup_close_ int fd = rooted_open_directory(reading->found->root, path);
    if (fd < 0)
        return fd;
    if (!(listing = fdopendir(fd)))
        return -errno;
    steal_fd(&fd);
    int listed = list_names(listing, type, &names);
    if (names.count)
        qsort(names.names, names.count, sizeof(*names.names), compare_names);
    int r = 0;
    for (size_t i = 0; i < names.count && r >= 0; i++)
        r = each(reading, names.names[i], userdata);
    return r < 0 ? r : listed;
}

int engine_each_folder(struct engine_reading *reading, const char *path,
                       int (*each)(struct engine_reading *reading, const char *name,
                                   void *userdata),
                       void *userdata)
{
    return each_name(reading, path, DT_DIR, each, userdata);
}

int engine_each_file(struct engine_reading *reading, const char *path,
                     int (*each)(struct engine_reading *reading, const char *name, void *userdata),
                     void *userdata)
{
    return each_name(reading, path, DT_REG, each, userdata);
}

/* ---- the container begun ---- */

static int id_of(struct engine_reading *reading, const char *id, struct buffer *into)
{
    const struct engine_found *found = reading->found;
    const char *outer = found->outer ? strchr(found->outer, ':') : NULL;
    buffer_clear(into);
    if (outer)
        buffer_append_format(into, "%s/", outer + 1);
    if (found->place.prefix)
        text_append_captured(into, found->place.prefix, strlen(found->place.prefix));
    text_append_captured(into, id, strlen(id));
    return into->failed ? -ENOMEM : 0;
}

struct record *engine_container_begin(struct engine_reading *reading, const char *id)
{
    struct record *record = &reading->record;
    arena_reset(reading->arena);
    buffer_clear(&reading->groups);
    buffer_clear(&reading->evidence);
    reading->failed = reading->pid_is_ours = false;
    record_begin(record, KIND_CONTAINER);
    if (id_of(reading, id, &reading->text) < 0)
        return NULL;
    const char *composed = arena_copy(reading->arena, reading->text.bytes, reading->text.length);
    record_set_text(record, CONTAINER_ENGINE, reading->found->engine->name);
    record_set_text(record, CONTAINER_ID, composed);
    record_set_text(record, CONTAINER_TIER, reading->tier);
    record_set_text(record, CONTAINER_INSTANCE, reading->found->instance);
    record_set_text(record, CONTAINER_OUTER, reading->found->outer);
    return composed ? record : NULL;
}

struct record *engine_container(struct engine_reading *reading)
{
    return &reading->record;
}

void engine_container_drop(struct engine_reading *reading)
{
    record_begin(&reading->record, KIND_CONTAINER);
}

const struct record *engine_known(struct engine_reading *reading, const char *id)
{
    const struct record *record = NULL;
    if (id_of(reading, id, &reading->text) >= 0)
        record = known_containers_find(reading->reader->known, reading->found->engine->name,
                                       buffer_text(&reading->text));
    return record;
}

bool engine_still_runs(struct engine_reading *reading, const struct record *known)
{
    char path[32];
    struct proc_stat stat;
    int64_t pid = record_integer(known, CONTAINER_PID, 0);
    snprintf(path, sizeof(path), "%lld/stat", (long long)pid);
    return pid && record_has(known, CONTAINER_START_TICKS) &&
           procfs_read(reading->reader->proc, path, PROCFS_TEXT_MOST, &reading->text) >= 0 &&
           proc_stat_parse(buffer_text(&reading->text), reading->text.length, &stat) >= 0 &&
           !proc_stat_is_ending(&stat) &&
           stat.fields[STAT_START_TICKS] == record_integer(known, CONTAINER_START_TICKS, -1);
}

bool engine_is_unchanged(struct engine_reading *reading, const struct record *known,
                         const char *listing)
{
    const char *before = known ? record_text(known, CONTAINER_LISTING) : NULL;
    return before && strcmp(before, listing) == 0 && record_has(known, CONTAINER_EVIDENCE) &&
           (!record_has(known, CONTAINER_PID) || engine_still_runs(reading, known));
}

bool engine_sees_processes(const struct engine_reading *reading)
{
    return reading->reader->proc >= 0;
}

bool engine_process_has_gone(struct engine_reading *reading)
{
    return engine_sees_processes(reading) && !reading->found->pid_namespace &&
           !engine_still_runs(reading, &reading->record);
}

bool engine_process_exists(struct engine_reading *reading)
{
    char path[32];
    int64_t pid = record_integer(&reading->record, CONTAINER_PID, 0);
    snprintf(path, sizeof(path), "%lld/stat", (long long)pid);
    return pid > 0 &&
           (reading->found->pid_namespace ||
            procfs_read(reading->reader->proc, path, PROCFS_TEXT_MOST, &reading->text) >= 0);
}

static int write_message(struct engine_reading *reading, struct engine_message *message)
{
    const struct engine_reader *reader = reading->reader;
    message->place = reader->place;
    buffer_clear(&reading->message);
    engine_message_append(&reading->message, message);
    int r = buffer_error(&reading->message);
    return r < 0 ? r : reader->write(reader->userdata, &reading->message);
}

int engine_container_end(struct engine_reading *reading)
{
    if (reading->groups.length) {
        buffer_append_char(&reading->groups, ']');
        record_set_text(&reading->record, CONTAINER_GROUPS, buffer_text(&reading->groups));
    }
    if (reading->failed || reading->groups.failed || reading->evidence.failed)
        return error_memory();
    if (reading->count++ == CONTAINERS_MOST)
        return error_set(EFBIG, "it tells of more than %d containers", (int)CONTAINERS_MOST);
    struct engine_message message = {.type = MESSAGE_CONTAINER,
                                     .pid_is_ours = reading->pid_is_ours,
                                     .evidence = reading->evidence.bytes};
    message.evidence_length = (uint32_t)reading->evidence.length;
    if (!reading->evidence.length)
        message.evidence = NULL;
    message.record = reading->record;
    return write_message(reading, &message);
}

int engine_gap(struct engine_reading *reading, const char *id, int code, const char *detail)
{
    _cleanup_buffer_ struct buffer composed = {0};
    struct engine_message message = {.type = MESSAGE_GAP, .code = code, .detail = detail};
    if (id && id_of(reading, id, &composed) < 0)
        return error_memory();
    message.id = id ? buffer_text(&composed) : NULL;
    return write_message(reading, &message);
}

/* What failed with its message, as a gap; of the container `id`, or of all if that is NULL. */
static int report_failure(struct engine_reading *reading, const char *id, int r)
{
    return engine_gap(reading, id, r > -ERROR_FIRST ? -r : EPROTO, error_message());
}

int engine_container_end_as_known(struct engine_reading *reading, const struct record *known)
{
    struct record *record = &reading->record;
    for (unsigned column = CONTAINER_NAME; column < CONTAINER_COLUMN_COUNT; column++)
        if (kinds[KIND_CONTAINER].columns[column].class == STATE && !record_has(record, column))
            record->values[column] = known->values[column];
    reading->pid_is_ours = true;
    return engine_container_end(reading);
}

int engine_container_end_asked(struct engine_reading *reading, const char *id, const char *listing,
                               int asked)
{
    int r = 0;
    if (asked == -ENOENT)
        return 0;
    if (asked < 0)
        r = report_failure(reading, id, asked);
    else
        record_set_text(&reading->record, CONTAINER_LISTING, listing);
    return r < 0 ? r : engine_container_end(reading);
}

/* ---- one place ---- */

static int open_client(struct engine_reading *reading, int *ret_socket)
{
    char path[64];
    const struct engine_found *found = reading->found;
    struct engine_client_limits limits = {.milliseconds = reading->reader->questions_milliseconds};
    int r = *ret_socket = rooted_open_path(found->root, found->place.socket);
    if (r < 0)
        return error_set(-r, "cannot find the socket %s of %s: %s", found->place.socket,
                         found->engine->name, strerror(-r));
    snprintf(path, sizeof(path), "/proc/thread-self/fd/%d", *ret_socket);
    r = engine_client_open(path, &limits, &reading->client);
    if (r >= 0)
        engine_client_set_name(reading->client, found->place.socket);
    return r;
}

static int ask(struct engine_reading *reading)
{
    _cleanup_close_ int socket = -1;
    int r = open_client(reading, &socket);
    reading->tier = "asked";
    if (r >= 0)
        r = reading->found->engine->ask(reading);
    engine_client_close(reading->client);
    reading->client = NULL;
    return r;
}

/* Whether nothing that it keeps outlives a boot. */
static bool is_of_boot(const struct engine_found *found)
{
    return !found->place.stored_folder &&
           strncmp(found->place.folder, "/run/", strlen("/run/")) == 0;
}

static int read_files(struct engine_reading *reading)
{
    const struct engine *engine = reading->found->engine;
    reading->tier = "files";
    int r = engine->read ? engine->read(reading) : -ENOENT;
    if (r == -ENOENT && !engine_sees_processes(reading) && is_of_boot(reading->found))
        return engine_gap(reading, NULL, ENOENT, "what it keeps below /run is on no disk");
    return r == -ENOENT ? 0 : r;
}

static int read_place(struct engine_reading *reading)
{
    const struct engine_found *found = reading->found;
    int r = 0;
    if (found->root < 0)
        return engine_gap(reading, NULL, -found->root, "its files and its socket may not be seen");
    bool can_ask = reading->reader->live && found->engine->ask && found->place.socket;
    if (can_ask)
        r = ask(reading);
    if (can_ask && r < 0)
        r = report_failure(reading, NULL, r);
    else if (can_ask)
        return r;
    /* Those that were told of already are told of again, and are left out then. */
    if (r >= 0 && (r = read_files(reading)) < 0)
        r = report_failure(reading, NULL, r);
    return r;
}

int engine_read_place(const struct engine_reader *reader, const struct engine_found *found)
{
    struct engine_reading reading = {.reader = reader, .found = found, .arena = arena_new()};
    int r = reading.arena ? read_place(&reading) : error_memory();
    if (r >= 0)
        r = write_message(&reading, &(struct engine_message){.type = MESSAGE_DONE});
    struct buffer *buffers[] = {&reading.groups, &reading.evidence, &reading.text,
                                &reading.message};
    for (size_t i = 0; i < sizeof(buffers) / sizeof(*buffers); i++)
        buffer_free(buffers[i]);
    free(reading.parents);
    arena_free(reading.arena);
    return r;
}
