/* SPDX-License-Identifier: Apache-2.0 */
/* A kind of container engine: how it is found by what runs, how it is asked, and what it leaves in
 * files. One file for each, and a row in engines.c.
 *
 * There are three tiers, and each container says which one it came from: the running engine was
 * asked; its files were read; or only the name of a cgroup tells of it (recorder/cgroup_names.h).
 *
 * Nobody who is asked or read here is trusted. Each engine that is found is read by a process of
 * its own, a *reader*, which is ended when its time is over: so no engine, no file system and no
 * document can hold up or take down the recorder. All of them read at once. What they tell is
 * claims, which the recorder holds against the kernel's view before they become records
 * (recorder/container_table.h): an engine inside a container can only name containers inside of
 * that container.
 *
 * So an engine has two halves that never run in the same process:
 *
 *   found()  usual()       in the recorder, while it looks at the processes: where engines may be
 *   ask()    read()        in the reader of one engine: what containers it has */
#ifndef RECORDER_ENGINES_ENGINE_H
#define RECORDER_ENGINES_ENGINE_H

#include "base/buffer.h"
#include "recorder/engines/client.h"
#include "recorder/kernel/span.h"
#include "schema/record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

struct cJSON;
struct engine_search;
struct engine_reading;

/* ---- finding engines ---- */

/* A process that is an engine, or works for one, by its command name. Borrowed while it is told. */
struct engine_process {
    pid_t pid; /* in the recorder's pid namespace */
    const char *command_name;
    const char *const *arguments; /* as captured, NULL-terminated */
    const char *directory;        /* its working directory, "" where it isn't known */
    uid_t uid;                    /* effective */
    const char *outer;            /* "engine:id" of the container that it runs in; NULL for none */
};

/* The value of an option among the arguments: "--name VALUE", "--name=VALUE", "-n VALUE". NULL if
 * it isn't given. Borrowed. */
const char *engine_process_option(const struct engine_process *process, const char *name);

/* Where one engine of a kind is. Paths are those that it uses itself, absolute, as captured. */
struct engine_place {
    /* What tells it from other engines of its kind, as it stays the same from snapshot to snapshot:
     * the folder that its containers belong to. */
    const char *folder;
    const char *runtime_folder; /* what doesn't outlive a boot, below /run; may be NULL */
    const char *stored_folder;  /* what does, where that isn't below `folder`; may be NULL */
    const char *socket;         /* a path, or NULL: there is nobody to be asked */
    /* Before the ids of its containers, with a '/': for an engine whose ids are names that another
     * engine of its kind may give too. NULL for random ids, and for the usual engine of a host. */
    const char *prefix;
    /* Whose it is: who isn't root is believed less. Of a process that leads to it, its own. */
    uid_t uid;
};

/* Tells of an engine. `process` is who runs it, or works for it; its mount namespace is where the
 * paths begin. With NULL they begin at the host's root. One that was told of already is the same
 * one: the first socket stands. The texts are copied. 0 or -ENOMEM. */
int engine_search_add(struct engine_search *search, const struct engine_process *process,
                      const struct engine_place *place);

/* A process that keeps a container: it has started it, waits for it, and ends with it. Texts are as
 * captured. */
struct engine_keeper {
    const struct engine_keeper *next; /* the next one of the same place */
    pid_t pid;                        /* in the recorder's pid namespace */
    int64_t start_ticks;
    const char *name;             /* the engine's name for the container; "" where it isn't told */
    const char *directory;        /* the process's working directory, "" where it isn't known */
    const char *const *arguments; /* NULL-terminated */
};

/* As engine_search_add(), and tells that the process keeps a container of that engine. */
int engine_search_add_keeper(struct engine_search *search, const struct engine_process *process,
                             const struct engine_place *place, const char *name);

/* Calls `each` with every path on which the process listens, '@' for the NUL of an abstract one. A
 * negative return of `each` ends it and is returned. -EACCES, without a message, where its sockets
 * may not be seen. */
int engine_search_listeners(struct engine_search *search, const struct engine_process *process,
                            int (*each)(void *userdata, const char *path), void *userdata);

/* A path on which the process listens: `path` if it is that, or one with the same last step (its
 * /var/run is /run elsewhere), or else `path` itself where its sockets may not be seen. NULL where
 * they may, and there is none: then whoever answers there is not this process. Borrowed. */
const char *engine_search_socket(struct engine_search *search, const struct engine_process *process,
                                 const char *path);

/* A path beside which the process listens on another one, which is the first and `suffix`. NULL for
 * none, or where its sockets may not be seen. In the search's memory. */
const char *engine_search_socket_beside(struct engine_search *search,
                                        const struct engine_process *process, const char *suffix);

/* A file below the host's /etc that configures an engine, in `into`; none where it cannot be read,
 * or a link is on the way. */
struct span engine_search_read_etc(struct engine_search *search, const char *name,
                                   struct buffer *into);

/* Calls `each` with the home and the number of every user of the host's /etc/passwd who may be a
 * person, not a part of the system. */
int engine_search_users(struct engine_search *search,
                        int (*each)(struct engine_search *search, const char *home, uid_t uid));

/* The home of a user by the host's /etc/passwd; NULL for none. In the search's memory. */
const char *engine_search_home(struct engine_search *search, uid_t uid);

/* ---- an engine ---- */

struct engine {
    const char
        *name; /* "docker": column engine of its containers, unless a record says otherwise */
    /* What the names of its containers' cgroups are those of (recorder/cgroup_names.c), where they
     * need not be the containers' names. NULL where they are. */
    const char *cgroup_name;
    /* Command names (at most 15 bytes, as the kernel cuts them) of processes that found() is told
     * of. NULL-terminated. */
    const char *const *programs;
    /* Tells of the engine that the process is, or works for, by engine_search_add(). 0 or -ENOMEM.
     * NULL where no process leads to one. */
    int (*found)(struct engine_search *search, const struct engine_process *process);
    /* Tells of the places where it usually is, whether it runs or not. What isn't there is no gap.
     * NULL where there are none. */
    int (*usual)(struct engine_search *search);
    /* Hands over all of its containers (engine_container_end()) by asking. When it fails, with its
     * message, read() is tried. NULL where nobody can be asked. */
    int (*ask)(struct engine_reading *reading);
    /* The same from its files. -ENOENT, without a gap, where it has none. NULL for none. */
    int (*read)(struct engine_reading *reading);
    /* A file that may say that its files aren't in the usual place, which usual() doesn't read.
     * NULL for none. */
    const char *configuration;
    /* What it leaves below the folder of a place, which is a home; NULL-terminated. NULL where that
     * folder is its own. */
    const char *const *leaves;
    /* Its files don't say whether a container runs. Then that is what its processes say: it is
     * "running" or "stopped". */
    bool state_is_seen;
};

/* In the order in which they are believed when two tell of the same container: who manages others'
 * containers stands before those whose containers it manages. NULL-terminated. */
extern const struct engine *const engines[];

extern const struct engine engine_docker;
extern const struct engine engine_podman;
extern const struct engine engine_runc;
extern const struct engine engine_crun;
extern const struct engine engine_crio;
extern const struct engine engine_containerd;
extern const struct engine engine_lxc;
extern const struct engine engine_incus;
extern const struct engine engine_lxd;
extern const struct engine engine_nspawn;
extern const struct engine engine_apptainer;
extern const struct engine engine_flatpak;
extern const struct engine engine_snap;

/* ---- reading one engine, within its reader ---- */

/* Texts are borrowed and NULL where the place has none. */
const struct engine_place *engine_reading_place(const struct engine_reading *reading);

/* The client of its socket: in ask() alone. Its time is that of the reader. */
struct engine_client *engine_reading_client(struct engine_reading *reading);

/* Replaces what `into` holds by a file of the engine. The path begins at the engine's root, and is
 * resolved as by a process that has it for its root: no link of it leads out. Regular files alone.
 * -EFBIG behind `limit` bytes. Negative errno, without a message. */
int engine_read_file(struct engine_reading *reading, const char *path, size_t limit,
                     struct buffer *into);

/* Opens a file of the engine for reading, as engine_read_file() does. */
int engine_open_file(struct engine_reading *reading, const char *path);

/* The same as JSON: an object or array, to be released with cJSON_Delete(). -EBADMSG if it is none.
 */
int engine_read_json(struct engine_reading *reading, const char *path, struct buffer *text,
                     struct cJSON **ret_json);

/* Calls `each` with the name of every folder in the folder `path`, and of every link, which may
 * lead to one, in the order of the names. A negative return of `each` ends it and is returned. */
int engine_each_folder(struct engine_reading *reading, const char *path,
                       int (*each)(struct engine_reading *reading, const char *name,
                                   void *userdata),
                       void *userdata);

/* The same for regular files, and links. */
int engine_each_file(struct engine_reading *reading, const char *path,
                     int (*each)(struct engine_reading *reading, const char *name, void *userdata),
                     void *userdata);

/* When what is at the path was written last. Negative errno, without a message. */
int engine_file_written(struct engine_reading *reading, const char *path,
                        struct timespec *ret_moment);

/* Whether there is something at the path. */
bool engine_has_file(struct engine_reading *reading, const char *path);

/* What the last snapshot has of the container (its columns, CONTAINER_LISTING among them); NULL for
 * a new one. So that details are asked only of what is new or changed. Borrowed. */
const struct record *engine_known(struct engine_reading *reading, const char *id);

/* Whether a container that is known as running still is what it was: its first process, by number
 * and start, is there. (One that ran without a known process is not.) */
bool engine_still_runs(struct engine_reading *reading, const struct record *known);

/* Whether nothing needs to be asked of a container: it is listed (CONTAINER_LISTING) as it was when
 * its document was kept, and runs, if it did, as it ran then. `known` may be NULL. */
bool engine_is_unchanged(struct engine_reading *reading, const struct record *known,
                         const char *listing);

/* Whether there are processes to be seen. On a copied disk there are none: what files say of them
 * is what was so when it was copied, and nobody saw them end. */
bool engine_sees_processes(const struct engine_reading *reading);

/* Whether the first process of the container begun (CONTAINER_PID, CONTAINER_START_TICKS) isn't
 * there any more, as far as that can be seen: not of one in another pid namespace. */
bool engine_process_has_gone(struct engine_reading *reading);

/* Whether there may be a process with the number of CONTAINER_PID, whenever it was started. */
bool engine_process_exists(struct engine_reading *reading);

/* Those who keep containers of this place, by their numbers; NULL for nobody. */
const struct engine_keeper *engine_keepers(const struct engine_reading *reading);

/* The number of the first process that the keeper has put into another pid or mount namespace than
 * its own; 0 for none. */
pid_t engine_kept_process(struct engine_reading *reading, const struct engine_keeper *keeper);

/* Sets CONTAINER_PID and CONTAINER_START_TICKS to that process. False if there is none. */
bool engine_set_kept_process(struct engine_reading *reading, const struct engine_keeper *keeper);

/* As engine_read_file(), a path as that process sees it. -ESRCH if there is none, or its root may
 * not be opened: in a copied host there is none. */
int engine_read_kept_file(struct engine_reading *reading, const struct engine_keeper *keeper,
                          const char *path, size_t limit, struct buffer *into);

/* ---- handing over a container ---- */

/* Begins a container with the engine's own id of it, which is captured bytes. The record's columns
 * are then set by record_set_*() with texts of engine_text(), or by the functions below. Null means
 * not known: an engine that knows that there are no labels says {}. CONTAINER_PID is the first
 * process's number as the engine tells it, in its own pid namespace; CONTAINER_START_TICKS, where
 * it is known, is held against it. tier, instance, outer, evidence are filled by the reader itself.
 * NULL without memory. Borrowed until the container is ended. */
struct record *engine_container_begin(struct engine_reading *reading, const char *id);

/* The record again. */
struct record *engine_container(struct engine_reading *reading);

/* Captured text in the reading's memory, which lives until the container is ended. NULL for NULL,
 * or without memory. */
const char *engine_text(struct engine_reading *reading, const char *captured);

void engine_set_text(struct engine_reading *reading, unsigned column, const char *captured);

/* A string of a document. */
void engine_set_string(struct engine_reading *reading, unsigned column, const struct cJSON *json);

/* A number, or true and false. */
void engine_set_number(struct engine_reading *reading, unsigned column, const struct cJSON *json);

/* A list or an object as JSON, whose keys come out sorted. Where the document has none, or null,
 * `otherwise`: "[]" or "{}" where that means that there are none, NULL where it means nothing. */
void engine_set_json(struct engine_reading *reading, unsigned column, const struct cJSON *json,
                     const char *otherwise);

/* A list of capabilities, as capabilities(7) calls them: some engines leave their CAP_ out. Empty
 * where there is none. */
void engine_set_capabilities(struct engine_reading *reading, unsigned column,
                             const struct cJSON *list);

/* Annotations, without the manifests that hold the environment of a pod's containers (see
 * engine_keep_document()). */
void engine_set_annotations(struct engine_reading *reading, const struct cJSON *annotations);

/* A list whose order means nothing, sorted, so that it is the same each time; else
 * as by engine_set_json(). */
void engine_set_sorted(struct engine_reading *reading, unsigned column, const struct cJSON *list);

/* BLAKE2b-256 of the document, in hexadecimal, whatever the order of its keys: a value for
 * CONTAINER_LISTING. NULL without memory. */
const char *engine_digest(struct engine_reading *reading, const struct cJSON *json);

/* An RFC 3339 moment as Go writes them (0001-01-01T00:00:00Z is none), or seconds since 1970. */
void engine_set_time(struct engine_reading *reading, unsigned column, const struct cJSON *json);

/* The names out of a list of NAME=VALUE; of an empty one, or null, [], of what is no list none. */
void engine_set_environment(struct engine_reading *reading, const struct cJSON *list);

/* Appends {"type","name"} to the container's groups, unless it has it: "compose-project",
 * "kubernetes-pod", "kubernetes-namespace", "podman-pod", "dev-container", "docker-plugin". */
void engine_add_group(struct engine_reading *reading, const char *type, const char *name);

/* The groups that labels or annotations tell of: Compose, Kubernetes, dev containers. */
void engine_add_groups_of_labels(struct engine_reading *reading, const struct cJSON *labels);

/* Keeps the document as the container's evidence: `text`, of which `document` is what was parsed.
 * Values of environment variables are taken out of it, unless they were asked for: of every list
 * that `environments` names (paths such as "Config.Env", NULL-terminated), of NAME=VALUE or of
 * {"key": NAME, "value": VALUE}; and the manifests of pods, in which they stand too, wherever an
 * annotation has one. Then the document is changed. */
void engine_keep_document(struct engine_reading *reading, const struct buffer *text,
                          struct cJSON *document, const char *const *environments);

/* Hands it over. 0, -ENOMEM, or an error that ends the reading (the recorder takes no more). */
int engine_container_end(struct engine_reading *reading);

/* The same for one whose details need not be asked again: everything stays as the last snapshot has
 * it (`known`), but for what was set since it began. */
int engine_container_end_as_known(struct engine_reading *reading, const struct record *known);

/* The same for one whose details were asked for, after it was listed (CONTAINER_LISTING) as
 * `listing` says. `asked` is what came of that: 0; -ENOENT, if it was removed meanwhile, and is
 * none any more; or another error with its message, which becomes a gap of the container `id`. */
int engine_container_end_asked(struct engine_reading *reading, const char *id, const char *listing,
                               int asked);

/* Gives up the one begun. */
void engine_container_drop(struct engine_reading *reading);

/* A gap: something of the engine, or with `id` of one container, could not be read. `code` is a
 * positive errno. 0 or an error that ends the reading. */
int engine_gap(struct engine_reading *reading, const char *id, int code, const char *detail);

#endif
