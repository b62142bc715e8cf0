/* SPDX-License-Identifier: Apache-2.0 */
/* containerd: where it is, and its own API, with that of its CRI plugin for the containers of
 * Kubernetes. Its files are read in engines/containerd_files.c.
 *
 * A containerd is told from others by its socket: the daemon listens there, and each shim is told
 * where that is. Ids are what its clients call their containers, each in a namespace: an id is
 * "NAMESPACE/ID" here, with the socket before it unless that is the usual one, or ids are random.
 * Containers of the namespace "moby" are Docker's, who tells more of them. */
#include "recorder/engines/containerd.h"

#include "base/error.h"
#include "recorder/engines/cri.h"
#include "recorder/engines/settings.h"

#define HASH_NONFATAL_OOM 1
#include <string.h>
#include <uthash.h>

static const char usual_state[] = "/run/containerd", usual_root[] = "/var/lib/containerd";
static const char of_kubernetes[] = "k8s.io";
static const char shim[] = "containerd-shim"; /* and what the kernel cuts from longer names */

/* ---- where it is ---- */

static int found_by_shim(struct engine_search *search, const struct engine_process *process)
{
    const char *socket = engine_process_option(process, "-address");
    const char *end = strstr(process->directory, containerd_tasks); /* it works in its bundle */
    _cleanup_free_ char *state =
        end ? strndup(process->directory, (size_t)(end - process->directory)) : NULL;
    if (end && !state)
        return error_memory();
    struct engine_place place = {.folder = socket, .runtime_folder = state};
    return socket ? engine_search_add(search, process, &place) : 0;
}

static int found_daemon(struct engine_search *search, const struct engine_process *process)
{
    const char *told = engine_process_option(process, "--address");
    if (!told)
        told = engine_process_option(process, "-a");
    if (!told)
        told = containerd_usual_socket; /* or where its configuration says */
    const char *socket = engine_search_socket(search, process, told);
    if (!socket) /* whatever it is called, next to it is the one for shims */
        socket = engine_search_socket_beside(search, process, ".ttrpc");
    const char *state = engine_process_option(process, "--state");
    const char *folder = socket ? socket : told;
    if (!state && strcmp(folder, containerd_usual_socket) == 0)
        state = usual_state;
    struct engine_place place = {.folder = folder,
                                 .runtime_folder = state,
                                 .stored_folder = engine_process_option(process, "--root"),
                                 .socket = socket};
    return engine_search_add(search, process, &place);
}

static int found(struct engine_search *search, const struct engine_process *process)
{
    return strcmp(process->command_name, shim) == 0 ? found_by_shim(search, process)
                                                    : found_daemon(search, process);
}

/* What its configuration says before the first section. */
struct configured {
    struct buffer root, state;
};

static int take_setting(void *userdata, const struct setting *setting)
{
    struct configured *configured = userdata;
    struct buffer *into = span_is(setting->key, "root")    ? &configured->root
                          : span_is(setting->key, "state") ? &configured->state
                                                           : NULL;
    if (!into || setting->section.length || !span_starts(setting->value, "/"))
        return 0;
    buffer_clear(into);
    buffer_append(into, setting->value.bytes, setting->value.length);
    return 0;
}

static int usual_of_host(struct engine_search *search)
{
    _cleanup_buffer_ struct buffer file = {0};
    struct configured configured = {0};
    const struct span text = engine_search_read_etc(search, "containerd/config.toml", &file);
    int r = settings_parse(text.bytes, text.length, take_setting, &configured);
    const struct buffer *root = &configured.root, *state = &configured.state;
    struct engine_place place = {.folder = containerd_usual_socket,
                                 .runtime_folder = state->length ? state->bytes : usual_state,
                                 .stored_folder = root->length ? root->bytes : usual_root};
    if (r >= 0)
        r = root->failed || state->failed ? error_memory()
                                          : engine_search_add(search, NULL, &place);
    buffer_free(&configured.root);
    buffer_free(&configured.state);
    return r;
}

static int usual(struct engine_search *search)
{
    static const struct engine_place of_k3s = {.folder = "/run/k3s/containerd/containerd.sock",
                                               .runtime_folder = "/run/k3s/containerd",
                                               .stored_folder =
                                                   "/var/lib/rancher/k3s/agent/containerd"};
    int r = usual_of_host(search);
    return r < 0 ? r : engine_search_add(search, NULL, &of_k3s);
}

/* ---- asking ---- */

/* What the CRI plugin lists. */
struct listed {
    UT_hash_handle hh;
    struct cri_container whole;
};

struct asking {
    struct engine_reading *reading;
    struct arena *arena; /* of lists */
    const char *version;
    const char *namespace;
    struct listed *of_cri; /* in the namespace; NULL for none */
    bool time_is_over;     /* for details */
};

static const char *listing_digest(const struct asking *asking, const cJSON *document,
                                  const struct listed *listed)
{
    _cleanup_json_ cJSON *listing = cJSON_Duplicate(document, true);
    if (listing && listed)
        cJSON_AddItemToObject(listing, "cri", cri_listing(&listed->whole));
    return listing ? engine_digest(asking->reading, listing) : NULL;
}

static void set_task(struct engine_reading *reading, const struct containerd_container *whole)
{
    static const char *const states[] = {[CONTAINERD__STATUS__CREATED] = "created",
                                         [CONTAINERD__STATUS__RUNNING] = "running",
                                         [CONTAINERD__STATUS__STOPPED] = "exited",
                                         [CONTAINERD__STATUS__PAUSED] = "paused",
                                         [CONTAINERD__STATUS__PAUSING] = "paused"};
    struct record *record = engine_container(reading);
    const Containerd__Process *task = whole->task;
    bool known = task && task->status < sizeof(states) / sizeof(*states);
    const char *state = known ? states[task->status] : NULL;
    if (!task && whole->tasks_known) /* never started, or its task was deleted: it doesn't say */
        state = "created";
    engine_set_text(reading, CONTAINER_CONTAINER_STATE, state);
    if (!task)
        return;
    if (task->status == CONTAINERD__STATUS__STOPPED) {
        if (containerd_moment(task->exited_at))
            record_set_integer(record, CONTAINER_FINISHED_AT, containerd_moment(task->exited_at));
        record_set_integer(record, CONTAINER_EXIT_CODE, task->exit_status);
    } else if (task->pid) {
        record_set_integer(record, CONTAINER_PID, task->pid);
    }
}

/* An image may be gone while containers have it. */
static int set_image_digest(const struct asking *asking, const char *image)
{
    const Containerd__Image *answer;
    _cleanup_arena_ struct arena *arena = arena_new();
    if (!arena)
        return error_memory();
    int r = containerd_ask_image(engine_reading_client(asking->reading), asking->namespace, image,
                                 arena, &answer);
    if (r >= 0 && answer->target)
        engine_set_text(asking->reading, CONTAINER_IMAGE_DIGEST, answer->target->digest);
    return r == -ENOENT ? 0 : r;
}

/* What is asked for one container. */
static int ask_details(struct asking *asking, const struct containerd_container *whole,
                       const struct listed *listed)
{
    const char *image = whole->container ? whole->container->image : "";
    int r = 0;
    if (asking->time_is_over)
        return error_set(ETIMEDOUT, "there was no time to ask for more than it is listed with");
    if (*image)
        r = set_image_digest(asking, image);
    if (r >= 0 && listed)
        r = cri_set_details(asking->reading, &listed->whole);
    asking->time_is_over |= r == -ETIMEDOUT;
    return r;
}

static int set_all(struct asking *asking, const struct containerd_container *whole,
                   const struct listed *listed, cJSON *document)
{
    struct engine_reading *reading = asking->reading;
    int r = 0;
    set_task(reading, whole);
    if (whole->container)
        r = containerd_set_container(reading, asking->namespace, whole->container, document);
    if (listed)
        cri_set_listed(reading, &listed->whole);
    if (r < 0 || containerd_is_of_docker(asking->namespace))
        return r;
    r = containerd_keep_document(reading, document);
    return r < 0 ? r : ask_details(asking, whole, listed);
}

static int take_whole(struct asking *asking, const struct containerd_container *whole,
                      const struct listed *listed, const char *id)
{
    struct engine_reading *reading = asking->reading;
    _cleanup_json_ cJSON *document = containerd_make_document(whole);
    const struct record *known = engine_known(reading, id);
    struct record *record = engine_container_begin(reading, id);
    const char *digest = record ? listing_digest(asking, document, listed) : NULL;
    if (!digest)
        return error_memory();
    engine_set_text(reading, CONTAINER_ENGINE_VERSION, asking->version);
    if (engine_is_unchanged(reading, known, digest))
        return engine_container_end_as_known(reading, known);
    int r = set_all(asking, whole, listed, document);
    return engine_container_end_asked(reading, id, digest, r);
}

static int take(void *userdata, const struct containerd_container *whole)
{
    struct asking *asking = userdata;
    struct listed *listed = NULL;
    _cleanup_buffer_ struct buffer id = {0};
    const char *own = whole->container ? whole->container->id : whole->task->id;
    if (asking->of_cri)
        HASH_FIND(hh, asking->of_cri, own, strlen(own), listed);
    if (!*own)
        return engine_gap(asking->reading, NULL, EPROTO, "it lists a container without an id");
    int r = containerd_compose_id(asking->reading, asking->namespace, own, &id);
    return r < 0 ? r : take_whole(asking, whole, listed, buffer_text(&id));
}

static int take_listed(void *userdata, const struct cri_container *whole)
{
    struct asking *asking = userdata;
    const char *id = cri_id(whole);
    struct listed *listed = NULL;
    HASH_FIND(hh, asking->of_cri, id, strlen(id), listed);
    if (listed)
        return 0;
    listed = arena_take(asking->arena, sizeof(*listed));
    if (!listed)
        return error_memory();
    listed->whole = *whole;
    HASH_ADD_KEYPTR(hh, asking->of_cri, id, strlen(id), listed);
    return listed->hh.tbl ? 0 : error_memory();
}

/* The lists of the CRI plugin, if there is one. Without them the containers are told all the same.
 */
static int list_by_cri(struct asking *asking)
{
    struct engine_reading *reading = asking->reading;
    int r = cri_each_container(engine_reading_client(reading), asking->arena, take_listed, asking);
    if (r == -EOPNOTSUPP || r == -ENOMEM)
        return r == -ENOMEM ? r : 0;
    return r < 0 ? engine_gap(reading, NULL, r > -ERROR_FIRST ? -r : EPROTO, error_message()) : 0;
}

static int take_namespace(struct asking *asking, const char *namespace)
{
    struct engine_reading *reading = asking->reading;
    asking->namespace = namespace;
    int r = strcmp(namespace, of_kubernetes) == 0 ? list_by_cri(asking) : 0;
    if (r >= 0)
        r = containerd_each_container(engine_reading_client(reading), namespace, take, asking);
    HASH_CLEAR(hh, asking->of_cri);
    return r;
}

static int ask_all(struct asking *asking)
{
    struct engine_client *client = engine_reading_client(asking->reading);
    const Containerd__VersionResponse *version;
    const Containerd__ListNamespacesResponse *namespaces;
    int r = containerd_ask_version(client, asking->arena, &version);
    if (r < 0 || (r = containerd_ask_namespaces(client, asking->arena, &namespaces)) < 0)
        return r;
    asking->version = version->version[0] ? version->version : NULL;
    for (size_t i = 0; i < namespaces->n_namespaces && r >= 0; i++)
        r = take_namespace(asking, namespaces->namespaces[i]->name);
    return r;
}

static int ask(struct engine_reading *reading)
{
    _cleanup_arena_ struct arena *arena = arena_new();
    struct asking asking = {.reading = reading, .arena = arena};
    return arena ? ask_all(&asking) : error_memory();
}

static const char *const programs[] = {"containerd", shim, NULL};

const struct engine engine_containerd = {
    .name = "containerd",
    .programs = programs,
    .found = found,
    .usual = usual,
    .ask = ask,
    .read = containerd_read_files,
};
