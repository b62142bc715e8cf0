/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/descriptors.h"

#include "base/array.h"
#include "base/error.h"
#include "recorder/kernel/file_status.h"
#include "recorder/kernel/kcmp.h"
#include "recorder/kernel/pidfd.h"
#include "recorder/kernel/sockets.h"
#include "recorder/workers.h"

#include <fcntl.h>
#include <limits.h>

/* A socket that was asked already; many processes share one. */
struct asked_socket {
    uint64_t inode;
    UT_hash_handle hh;
};

/* What one worker walks with. */
struct walk {
    const struct capture *capture;
    const struct sink *sink; /* the worker's */
    const struct descriptor_visitor *visitor;
    bool wants_files, wants_sockets;
    bool own_numbers;          /* tasks have the numbers by which the recorder knows them */
    bool by_status;            /* descriptors are told by what they lead to, not by their links */
    struct statx nsfs, sockfs; /* of one namespace, and one socket: those are on one device each */
    struct asked_socket *asked;
    struct arena *arena;              /* of those */
    int socket_code;                  /* why sockets that didn't tell did not, the lowest; else 0 */
    struct buffer path, link, fdinfo; /* used again and again */
    struct number_list numbers;       /* descriptors of the table being read */
};

/* The table being read. */
struct descriptor_table {
    const struct census_task *task;
    int folder; /* "fd" of the task */
    int pidfd;  /* -1 until it is needed */
};

static bool has_ended(int code)
{
    return code == -ENOENT || code == -ESRCH || code == -EBADF;
}

/* ---- sockets and TUN devices ---- */

/* A thread's own table needs a descriptor of the thread (kernel 6.9). */
static int copy_descriptor(struct walk *walk, struct descriptor_table *table, int descriptor)
{
    const struct host *host = walk->capture->host;
    const struct census_task *task = table->task;
    bool thread = task->tid;
    if (!walk->own_numbers || !host_has(host, FEATURE_PIDFD_GETFD) ||
        (thread && !host_has(host, FEATURE_PIDFD_THREAD)))
        return -EOPNOTSUPP;
    if (table->pidfd < 0)
        table->pidfd = pidfd_open_task(thread ? task->tid : task->pid, thread);
    return table->pidfd < 0 ? table->pidfd : pidfd_copy_descriptor(table->pidfd, descriptor);
}

/* Of two codes, 0 for none, the one that is told: whichever came first, it is the same. */
static int lower_code(int one, int other)
{
    return one && (!other || one < other) ? one : other;
}

/* Hands on the namespace that one of the two questions below has led to. */
static int tell(struct walk *walk, int namespace)
{
    if (namespace == -ENOMEM)
        return error_memory();
    if (namespace >= 0)
        return walk->visitor->socket(walk->visitor->userdata, walk->sink, namespace);
    if (!has_ended(namespace))
        walk->socket_code = lower_code(walk->socket_code, -namespace);
    return 0;
}

/* True if this worker didn't ask the socket yet. -ENOMEM. */
static int remember(struct walk *walk, uint64_t inode)
{
    struct asked_socket *socket = NULL;
    HASH_FIND(hh, walk->asked, &inode, sizeof(inode), socket);
    if (socket)
        return false;
    socket = arena_take(walk->arena, sizeof(*socket));
    if (!socket)
        return error_memory();
    socket->inode = inode;
    HASH_ADD(hh, walk->asked, inode, sizeof(socket->inode), socket);
    return socket->hh.tbl ? true : error_memory();
}

/* What was copied is the socket of the link, or it isn't looked at: so it doesn't matter whether
 * the task is still the same, or has put something else there. */
static int see_socket(struct walk *walk, struct descriptor_table *table, int descriptor,
                      uint64_t inode)
{
    int r = remember(walk, inode);
    if (r <= 0)
        return r;
    _cleanup_close_ int copy = copy_descriptor(walk, table, descriptor);
    if (copy < 0)
        return tell(walk, copy);
    return socket_has_inode(copy, inode) ? tell(walk, socket_open_namespace(copy)) : 0;
}

/* It keeps the namespace in which it was opened; its device may be in another one. That it is one
 * is known before it is copied: to close some other file could take as long as its file system
 * likes. */
static int see_tun(struct walk *walk, struct descriptor_table *table, int descriptor)
{
    char name[32];
    /* of the very same task, though its number may be another one's by now */
    _cleanup_close_ int directory = procfs_open_directory(table->folder, "..");
    if (directory < 0)
        return 0;
    snprintf(name, sizeof(name), "fdinfo/%d", descriptor);
    int r = procfs_read(directory, name, PROCFS_TEXT_MOST, &walk->fdinfo);
    if (r == -ENOMEM)
        return error_memory();
    if (r < 0 || !tun_is_fdinfo((struct span){walk->fdinfo.bytes, walk->fdinfo.length}))
        return 0;
    _cleanup_close_ int copy = copy_descriptor(walk, table, descriptor);
    if (copy < 0)
        return tell(walk, copy);
    r = tell(walk, socket_open_namespace(copy));
    if (r < 0)
        return r;
    int device_namespace = tun_open_device_namespace(copy);
    return device_namespace == -EBADFD ? 0 : tell(walk, device_namespace);
}

/* ---- files ---- */

static int open_file(int folder, int descriptor, int proc)
{
    char name[16];
    snprintf(name, sizeof(name), "%d", descriptor);
    _cleanup_close_ int fd = openat(folder, name, O_PATH | O_CLOEXEC);
    return fd < 0 ? -errno : nsfs_reopen(proc, fd);
}

static int tell_file(const struct walk *walk, const struct descriptor_file *file)
{
    return walk->visitor->file(walk->visitor->userdata, walk->sink, file);
}

/* A namespace that was opened through a bind mount has the path of that as its link, in whatever
 * mount namespace that was. Only the open file tells its type. */
static int see_mounted_file(struct walk *walk, struct descriptor_file *file)
{
    _cleanup_close_ int fd = open_file(file->folder, file->descriptor, file->proc);
    if (fd < 0 || nsfs_inode(fd, &file->inode) < 0 || nsfs_type(fd, &file->type) < 0)
        return 0; /* closed meanwhile */
    return tell_file(walk, file);
}

/* Whether the link tells of a namespace: 1, 0, or -ENOMEM. */
static int read_file_link(struct walk *walk, const char *name, struct descriptor_file *file)
{
    int r = procfs_read_link(file->folder, name, &walk->link);
    if (r < 0)
        return r == -ENOMEM ? error_memory() : 0; /* closed meanwhile */
    return nsfs_parse_any_link(walk->link.bytes, walk->link.length, &file->type, &file->inode) >= 0;
}

static int see_by_link(struct walk *walk, const char *name, struct descriptor_file *file)
{
    int r = walk->wants_files ? read_file_link(walk, name, file) : 0;
    return r > 0 ? tell_file(walk, file) : r;
}

/* ---- tables ---- */

static int see_by_status(struct walk *walk, struct descriptor_table *table, const char *name,
                         struct descriptor_file *file)
{
    struct statx status;
    if (file_status_read(table->folder, name, &status) < 0)
        return 0; /* closed meanwhile */
    if (walk->wants_files && file_status_same_device(&status, &walk->nsfs)) {
        int r = read_file_link(walk, name, file);
        if (r)
            return r < 0 ? r : tell_file(walk, file);
        return see_mounted_file(walk, file);
    }
    if (walk->wants_sockets && file_status_same_device(&status, &walk->sockfs))
        return see_socket(walk, table, file->descriptor, status.stx_ino);
    if (walk->wants_sockets && tun_is_node(&status))
        return see_tun(walk, table, file->descriptor);
    return 0;
}

static int see_descriptor(struct walk *walk, struct descriptor_table *table, int descriptor)
{
    char name[16];
    struct descriptor_file file = {.task = table->task,
                                   .descriptor = descriptor,
                                   .folder = table->folder,
                                   .proc = walk->capture->host->proc};
    snprintf(name, sizeof(name), "%d", descriptor);
    return walk->by_status ? see_by_status(walk, table, name, &file)
                           : see_by_link(walk, name, &file);
}

int descriptors_list(int folder, struct number_list *into)
{
    int r = procfs_list_folder(folder, into);
    if (r < 0)
        return r;
    /* That list is made for tasks, and there is no task 0. */
    r = array_reserve(&into->numbers, &into->capacity, into->count + 1, sizeof(*into->numbers));
    if (r < 0)
        return r;
    into->numbers[into->count++] = 0;
    number_list_sort(into);
    return 0;
}

static bool knows_namespaces(const struct census_task *task)
{
    for (unsigned link = 0; link < LINK_COUNT; link++)
        if (task->namespaces[link])
            return true;
    return false;
}

/* Of a task whose namespaces can't be read either the gap stands already: both take the same right,
 * ptrace(2), PTRACE_MODE_READ. The gap hides no kind: else, with one such task, it would never be
 * sure any more that a namespace has gone. */
static int report_table(const struct walk *walk, const struct census_task *task, int code)
{
    char subject[32];
    if (has_ended(code) || !knows_namespaces(task))
        return 0;
    snprintf(subject, sizeof(subject), "%s:%d", task->tid ? "tid" : "pid",
             (int)(task->tid ? task->tid : task->pid));
    return collector_gap(walk->sink, walk->wants_files ? SOURCE_FD : SOURCE_SOCKET, subject, -code,
                         "fd", KIND_COUNT, NULL);
}

static int read_table(struct walk *walk, const struct census_task *task)
{
    buffer_clear(&walk->path);
    census_append_path(&walk->path, task);
    buffer_append_text(&walk->path, "/fd");
    if (walk->path.failed)
        return error_memory();
    _cleanup_close_ int folder =
        procfs_open_folder(walk->capture->host->proc, buffer_text(&walk->path));
    int r = folder < 0 ? folder : descriptors_list(folder, &walk->numbers);
    if (r == -ENOMEM)
        return error_memory();
    if (r < 0)
        return report_table(walk, task, r);
    struct descriptor_table table = {.task = task, .folder = folder, .pidfd = -1};
    for (size_t i = 0; i < walk->numbers.count && r >= 0; i++)
        r = see_descriptor(walk, &table, walk->numbers.numbers[i]);
    fd_close(table.pidfd);
    return r;
}

/* Where the kernel can't compare, each thread's table is read: that takes longer, and tells the
 * same. */
static bool has_table(const struct walk *walk, const struct census_task *task)
{
    const struct capture *capture = walk->capture;
    if (task->kernel_thread || task->ending || host_is_self(capture->host, task->pid))
        return false;
    if (!task->tid || !walk->own_numbers || !host_has(capture->host, FEATURE_KCMP))
        return true;
    return kcmp_same_descriptors(task->pid, task->tid) != 1;
}

/* ---- all of it ---- */

static int begin_walk(void *userdata, unsigned worker, const struct sink *sink)
{
    struct walk *walk = (struct walk *)userdata + worker;
    walk->sink = sink;
    walk->arena = arena_new();
    return walk->arena ? 0 : error_memory();
}

static int see_task(void *userdata, unsigned worker, size_t number)
{
    struct walk *walk = (struct walk *)userdata + worker;
    const struct census_task *task = &walk->capture->census.tasks[number];
    return has_table(walk, task) ? read_table(walk, task) : 0;
}

static void end_walk(struct walk *walk)
{
    HASH_CLEAR(hh, walk->asked);
    arena_free(walk->arena);
    buffer_free(&walk->path);
    buffer_free(&walk->link);
    buffer_free(&walk->fdinfo);
    number_list_free(&walk->numbers);
}

static int report_sockets(const struct walk *walks)
{
    const struct capture *capture = walks->capture;
    int code = 0;
    for (unsigned i = 0; i < WORKERS; i++)
        code = lower_code(code, walks[i].socket_code);
    if (!code || !walks->wants_sockets)
        return 0;
    return collector_gap(capture->sink, SOURCE_SOCKET, "sockets", code,
                         "the network namespace of some or all sockets isn't known", KIND_COUNT,
                         NULL);
}

/* Without them namespaces are told by their links, and sockets are not. */
static void learn_devices(struct walk *walk)
{
    int r = nsfs_status(walk->capture->host->proc, &walk->nsfs);
    if (r >= 0)
        r = socket_status(&walk->sockfs);
    walk->by_status = r >= 0;
    if (r < 0)
        walk->socket_code = -r;
}

/* Descriptors are not private: a visitor may keep what it has opened. */
static int walk_all(struct walk *walks)
{
    const struct workload workload = {.capture = walks->capture,
                                      .what = "descriptors",
                                      .count = walks->capture->census.count,
                                      .begin = begin_walk,
                                      .read = see_task,
                                      .userdata = walks};
    int r = workers_run(&workload);
    if (r >= 0)
        r = report_sockets(walks);
    for (unsigned i = 0; i < WORKERS; i++)
        end_walk(&walks[i]);
    return r;
}

int descriptors_walk(const struct capture *capture, const struct descriptor_visitor *visitor)
{
    const struct host *host = capture->host;
    struct walk walks[WORKERS] = {{
        .capture = capture,
        .visitor = visitor,
        .wants_files = capture_wants(capture, SOURCE_FD),
        .wants_sockets = capture_wants(capture, SOURCE_SOCKET) && host->live,
        .own_numbers = host->live && host->self == getpid(),
    }};
    if (!walks->wants_files && !walks->wants_sockets)
        return 0;
    if (host->live)
        learn_devices(walks);
    for (unsigned i = 1; i < WORKERS; i++)
        walks[i] = walks[0];
    return walk_all(walks);
}

int descriptors_open(const struct descriptor_file *file)
{
    uint32_t inode;
    _cleanup_close_ int fd = open_file(file->folder, file->descriptor, file->proc);
    int r = fd < 0 ? fd : nsfs_inode(fd, &inode);
    if (r < 0)
        return r;
    return inode == file->inode ? steal_fd(&fd) : -ESTALE;
}
