/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/containers.h"

#include "base/array.h"
#include "base/error.h"
#include "recorder/engines/programs.h"
#include "recorder/engines/readers.h"
#include "recorder/kernel/rooted.h"

#include <string.h>

/* What an engine tells, until all have been heard. */
struct told {
    const struct engine_found *found;
    struct record *record;
    bool pid_is_ours;
};

struct opening {
    struct capture *capture;
    struct engines_found found;
    struct known_containers known;
    struct number_list processes;
    struct told *told;
    size_t count, capacity;
};

static void end_opening(struct opening *opening)
{
    for (size_t i = 0; i < opening->count; i++)
        free(opening->told[i].record);
    free(opening->told);
    number_list_free(&opening->processes);
    known_containers_free(&opening->known);
    engines_found_free(&opening->found);
}

/* ---- what readers tell ---- */

/* A whole engine's gap hides all of its containers, one container's only that. */
static int take_gap(const struct capture *capture, const struct engine_found *found,
                    const struct engine_message *message)
{
    _cleanup_buffer_ struct buffer subject = {0};
    buffer_append_format(&subject, "%s:%s", found->engine->name,
                         message->id ? message->id : found->instance);
    int r = buffer_error(&subject);
    return r < 0 ? r
                 : collector_gap(capture->sink, SOURCE_CONTAINERS, buffer_text(&subject),
                                 message->code, message->detail, KIND_CONTAINER,
                                 message->id ? buffer_text(&subject) : found->instance);
}

static int keep_evidence(const struct capture *capture, const struct engine_message *message,
                         char digest_text[static DIGEST_HEX_SIZE], struct record *record)
{
    const struct recorder_options *options = capture->options;
    struct digest digest;
    if (!message->evidence || !options->keep_blob)
        return 0;
    int r =
        options->keep_blob(options->userdata, message->evidence, message->evidence_length, &digest);
    if (r >= 0)
        record_set_text(record, CONTAINER_EVIDENCE, digest_format(&digest, digest_text));
    return r;
}

static int take_container(struct opening *opening, const struct engine_found *found,
                          const struct engine_message *message)
{
    char digest_text[DIGEST_HEX_SIZE];
    struct record record = message->record;
    int r = keep_evidence(opening->capture, message, digest_text, &record);
    if (r >= 0)
        r = array_reserve(&opening->told, &opening->capacity, opening->count + 1,
                          sizeof(*opening->told));
    struct record *copy = r < 0 ? NULL : record_copy(&record);
    if (!copy)
        return r < 0 ? r : error_memory();
    opening->told[opening->count++] = (struct told){found, copy, message->pid_is_ours};
    return 0;
}

static int take_message(void *userdata, const struct engine_found *found,
                        const struct engine_message *message)
{
    struct opening *opening = userdata;
    return message->type == MESSAGE_GAP ? take_gap(opening->capture, found, message)
                                        : take_container(opening, found, message);
}

/* ---- what is believed ---- */

static int report_refused(const struct opening *opening, const struct engine_found *found,
                          size_t refused)
{
    _cleanup_buffer_ struct buffer subject = {0};
    if (!refused)
        return 0;
    buffer_append_format(&subject, "%s:%s", found->engine->name, found->instance);
    int r = buffer_error(&subject);
    return r < 0 ? r
                 : collector_gap(opening->capture->sink, SOURCE_CONTAINERS, buffer_text(&subject),
                                 EEXIST, "it tells of containers that another engine has",
                                 KIND_COUNT, NULL);
}

/* In the order of the engines, whichever answered first. */
static int claim_all_of(struct opening *opening, const struct engine_found *found)
{
    struct capture *capture = opening->capture;
    size_t refused = 0;
    int r = 0;
    for (size_t i = 0; i < opening->count && r >= 0; i++) {
        struct told *told = &opening->told[i];
        enum claim_outcome outcome = CLAIM_KNOWN;
        if (told->found != found)
            continue;
        r = container_table_claim(&capture->containers, capture->host, &opening->processes, found,
                                  steal_pointer(told->record), told->pid_is_ours, &outcome);
        refused += outcome == CLAIM_REFUSED;
    }
    return r < 0 ? r : report_refused(opening, found, refused);
}

static int claim_all(struct opening *opening)
{
    const struct engines_found *found = &opening->found;
    int r = 0;
    for (size_t i = 0; i < found->count && r >= 0; i++)
        r = claim_all_of(opening, &found->list[i]);
    for (size_t i = 0; engines[i] && r >= 0; i++)
        if (found->left_out >> i & 1)
            r = collector_gap(opening->capture->sink, SOURCE_CONTAINERS, engines[i]->name, E2BIG,
                              "there are more engines of it than are looked at", KIND_CONTAINER,
                              engines[i]->name);
    return r;
}

static int add_known(void *context, const struct record *container)
{
    return known_containers_add(context, container);
}

static int open_containers(struct opening *opening)
{
    struct capture *capture = opening->capture;
    const struct recorder_options *options = capture->options;
    _cleanup_number_list_ struct number_list programs = {0};
    const struct engine_readers readers = {.host = capture->host,
                                           .found = &opening->found,
                                           .known = &opening->known,
                                           .environment = options->environment,
                                           .milliseconds = options->engine_milliseconds,
                                           .take = take_message,
                                           .userdata = opening};
    int r = container_table_open(&capture->containers);
    if (r >= 0 && host_has_processes(capture->host) &&
        procfs_list_numbers(capture->host->proc, ".", &opening->processes) < 0)
        return 0; /* who reads the processes will say why */
    if (r >= 0 && options->each_known_container)
        r = options->each_known_container(options->userdata, add_known, &opening->known);
    if (r >= 0)
        r = engine_programs_find(capture, &opening->processes, &programs);
    if (r >= 0)
        r = engines_search(capture->host, &programs, &opening->known, &opening->found);
    if (r >= 0)
        r = engine_readers_run(&readers);
    return r < 0 ? r : claim_all(opening);
}

int containers_open(struct capture *capture)
{
    struct opening opening = {.capture = capture};
    capture_progress(capture, "containers", 0, 0);
    int r = open_containers(&opening);
    end_opening(&opening);
    return r;
}

static bool has_left(const struct engine_found *found, const char *folder, const char *name)
{
    _cleanup_buffer_ struct buffer path = {0};
    buffer_append_format(&path, "%s%s", folder, name);
    _cleanup_close_ int fd = path.failed ? -1 : rooted_open_path(found->root, path.bytes);
    return fd >= 0;
}

static bool has_left_files(const struct engine_found *found)
{
    static const char *const itself[] = {"", NULL};
    const struct engine_place *place = &found->place;
    const char *const *leaves = found->engine->leaves ? found->engine->leaves : itself;
    const char *configuration = found->engine->configuration;
    bool any = (place->runtime_folder && has_left(found, place->runtime_folder, "")) ||
               (place->stored_folder && has_left(found, place->stored_folder, "")) ||
               (configuration && has_left(found, configuration, ""));
    for (; *leaves && !any; leaves++)
        any = has_left(found, place->folder, *leaves);
    return any;
}

int containers_expect_files(const struct host *host, const char *root)
{
    const struct number_list nobody = {0};
    const struct known_containers nothing = {0};
    struct engines_found found = {0};
    bool any = false;
    int r = engines_search(host, &nobody, &nothing, &found);
    for (size_t i = 0; i < found.count && !any; i++)
        any = has_left_files(&found.list[i]);
    engines_found_free(&found);
    if (r < 0 || any)
        return r;
    return error_set(ENOENT,
                     "cannot record %s: there is no process in %s/proc, and no container engine "
                     "has left any files; give the folder of a copied host ('nslapse doctor "
                     "--capture-fixture DIR' makes one), or of a copied disk with containers",
                     root, root);
}

/* ---- records ---- */

/* One that no engine tells of: what its cgroup's name says, and that something runs in it. */
static void fill_from_key(struct record *record, const struct container *container,
                          char engine[static 32])
{
    const char *colon = strchr(container->key, ':');
    snprintf(engine, 32, "%.*s", (int)(colon - container->key), container->key);
    record_begin(record, KIND_CONTAINER);
    record_set_text(record, CONTAINER_ENGINE, engine);
    record_set_text(record, CONTAINER_ID, colon + 1);
    record_set_text(record, CONTAINER_TIER, "cgroup");
    record_set_text(record, CONTAINER_OUTER, container->outer);
}

static bool is_one_of(const char *word, const char *one, const char *other)
{
    return word && (strcmp(word, one) == 0 || strcmp(word, other) == 0);
}

/* Whether what its processes show is better known than what its engine has written down, if that is
 * anything: files may be those of an earlier moment, and runtimes write nothing when they freeze.
 * One that has a process has not ended. */
static bool is_seen_better(const struct record *record, const struct container *container)
{
    const char *tier = record_text(record, CONTAINER_TIER);
    const char *state = record_text(record, CONTAINER_CONTAINER_STATE);
    bool of_files = tier && strcmp(tier, "files") == 0;
    return state ? of_files && container->pid &&
                       (is_one_of(state, "exited", "stopped") ||
                        (container->frozen && strcmp(state, "running") == 0))
                 : container->state_is_seen || !container->record;
}

static void set_seen_state(const struct capture *capture, struct record *record,
                           const struct container *container)
{
    const char *seen = container->frozen ? "paused" : container->pid ? "running" : "stopped";
    if (host_has_processes(capture->host) && is_seen_better(record, container))
        record_set_text(record, CONTAINER_CONTAINER_STATE, seen);
}

static int emit(const struct capture *capture, const struct container *container)
{
    struct record record;
    char engine[32];
    if (container->record)
        record = *container->record;
    else
        fill_from_key(&record, container, engine);
    set_seen_state(capture, &record, container);
    record.values[CONTAINER_PID] = record.values[CONTAINER_START_TICKS] =
        (struct value){.type = VALUE_NULL};
    if (container->pid) {
        record_set_integer(&record, CONTAINER_PID, container->pid);
        record_set_integer(&record, CONTAINER_START_TICKS, container->start_ticks);
    }
    return sink_record(capture->sink, &record);
}

int containers_collect(struct capture *capture)
{
    struct container_table *table = &capture->containers;
    int r = 0;
    if (!table->open)
        return 0;
    container_table_sort(table);
    for (const struct container *container = table->containers; container && r >= 0;
         container = container->hh.next)
        r = emit(capture, container);
    return r;
}
