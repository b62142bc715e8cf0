/* SPDX-License-Identifier: Apache-2.0 */
/* What the graphs share: the records of one kind, of one snapshot or of a difference, each with its
 * mark; finding what a record refers to; ids and labels. */
#ifndef EXPORT_GRAPH_H
#define EXPORT_GRAPH_H

#include "export/dot.h"
#include "export/export.h"

struct graph_item {
    struct record *record;       /* as it is in the end; as it was, where it is gone */
    const struct change *change; /* NULL for what did not change, and in a snapshot */
    enum mark mark;
    unsigned twin; /* 0, or which of several items with the same key it is: an inode used again */
};

/* Ordered by key. */
struct graph_items {
    struct graph_item *items;
    size_t count;
};

/* All records of the kind: of the snapshot, or of the end of the difference together with what is
 * gone. 0 or an error with its message. */
int graph_items_load(const struct export_request *request, enum kind kind,
                     struct graph_items *ret_items);
void graph_items_free(struct graph_items *items);
#define _cleanup_graph_items_ _cleanup_(graph_items_free)

/* Index of the item that `from` means by these values of the first columns of its key (a process's
 * pid; a namespace's type and inode; a mount's namespace and id): what is gone refers to what was,
 * all else to what is. GRAPH_NONE if there is no such record. */
#define GRAPH_NONE SIZE_MAX
size_t graph_find_process(const struct graph_items *processes, const struct graph_item *from,
                          int64_t pid);
size_t graph_find_namespace(const struct graph_items *namespaces, const struct graph_item *from,
                            const char *type, int64_t inode);
size_t graph_find_mount(const struct graph_items *mounts, const struct graph_item *from,
                        int64_t namespace, int64_t id);

/* The namespaces of a task, in the order of their names. */
enum { GRAPH_NAMESPACE_TYPES = 8 };
struct graph_namespace_type {
    const char *name;
    enum task_column column;
};
extern const struct graph_namespace_type graph_namespace_types[GRAPH_NAMESPACE_TYPES];

/* The namespaces that go without saying: the initial ones; of a type whose initial one is not known
 * (the recorder saw a container from inside), that of the first process. -1 where that is not known
 * either. */
struct graph_usual {
    int64_t inodes[GRAPH_NAMESPACE_TYPES];
};
void graph_usual_of(const struct graph_items *namespaces, const struct graph_items *processes,
                    struct graph_usual *ret_usual);

/* The item's id as a node: net_4026531840, process_812_30211, mount_4026531841_25. */
void graph_append_id(struct buffer *buffer, const struct graph_item *item);

/* A small line of the label for each column that differs, most interesting first as far as the
 * order of columns says so; at most `most`, then how many more. */
void graph_label_changes(struct buffer *label, const struct graph_item *item, unsigned most);

/* Lines that say what keeps a namespace that no process is in, and where it can be opened. */
void graph_label_holder(struct buffer *label, const struct graph_item *namespace);

/* Appends "nginx (pid 812)", or "worker (thread 815 of 812)". */
void graph_append_process(struct buffer *line, const struct record *task);

/* Appends the strings of a column that holds a JSON array of them. */
void graph_append_strings(struct buffer *line, const struct record *record, unsigned column,
                          const char *between);

/* Appends one of a list to be read by people, with a comma before all but the first, and "…" in
 * place of the one after `most`; nothing after that. */
void graph_append_listed(struct buffer *list, size_t index, size_t most, const char *text);

/* The graphs. Each draws into an empty `dot`: 0 or an error with its message. */
int graph_namespaces(const struct export_request *request, struct dot *dot);
int graph_processes(const struct export_request *request, struct dot *dot);
int graph_mounts(const struct export_request *request, struct dot *dot);
int graph_containers(const struct export_request *request, struct dot *dot);

#endif
