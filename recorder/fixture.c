/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/fixture.h"

#include "base/error.h"
#include "recorder/census.h"
#include "recorder/descriptors.h"
#include "recorder/hierarchies.h"
#include "recorder/kernel/procfs.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* The files of one kind of directory. `files` first, links behind, and last the one without which
 * the recorder takes the task for ended: so a task that ends halfway leaves no half task. */
static const char *const host_files[] = {"stat",
                                         "loadavg",
                                         "uptime",
                                         "version",
                                         "sys/kernel/hostname",
                                         "sys/kernel/osrelease",
                                         "sys/kernel/arch",
                                         "sys/kernel/random/boot_id",
                                         NULL};
static const char *const etc_files[] = {"machine-id", "hostname", NULL};
static const char *const thread_files[] = {"status",    "cgroup", "attr/current",
                                           "mountinfo", "stat",   NULL};
static const char *const process_files[] = {"status",       "cgroup",    "cmdline", "loginuid",
                                            "attr/current", "mountinfo", "stat",    NULL};
static const char *const secret_files[] = {"environ", NULL};
static const char *const thread_links[] = {"root", NULL};
static const char *const process_links[] = {"exe", "cwd", "root", NULL};
static const char *const cgroup_files[] = {"cgroup.controllers", "cgroup.type", "cgroup.events",
                                           "freezer.state", NULL};

/* The kernel shows some of this (environments, mounts, links) to a process's owner alone. */
enum { FOLDER_MODE = 0700, FILE_MODE = 0600 };

struct copy {
    const struct host *host;
    bool environment;
    struct buffer bytes;
};

static int cannot_write(const char *name)
{
    return error_set(errno, "cannot write the copy of %s: %s", name, strerror(errno));
}

static int make_directory(int directory, const char *name)
{
    return mkdirat(directory, name, FOLDER_MODE) < 0 && errno != EEXIST ? cannot_write(name) : 0;
}

/* Makes the directories above the last step of `name`. */
static int make_parents(int directory, const char *name)
{
    for (const char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
        _cleanup_free_ char *parent = strndup(name, (size_t)(slash - name));
        int r = parent ? make_directory(directory, parent) : error_memory();
        if (r < 0)
            return r;
    }
    return 0;
}

static int write_file(const struct copy *copy, int directory, const char *name)
{
    _cleanup_close_ int fd =
        openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
    if (fd < 0)
        return cannot_write(name);
    for (size_t done = 0; done < copy->bytes.length;) {
        ssize_t n = write(fd, copy->bytes.bytes + done, copy->bytes.length - done);
        if (n < 0 && errno != EINTR)
            return cannot_write(name);
        done += n < 0 ? 0 : (size_t)n;
    }
    return 0;
}

static int copy_file(struct copy *copy, int from, int to, const char *name)
{
    int r = procfs_read_table(from, name, PROCFS_TABLE_MOST, &copy->bytes);
    if (r < 0)
        return 0;
    r = make_parents(to, name);
    return r < 0 ? r : write_file(copy, to, name);
}

static int copy_files(struct copy *copy, int from, int to, const char *const *names)
{
    int r = 0;
    for (; from >= 0 && *names && r >= 0; names++)
        r = copy_file(copy, from, to, *names);
    return r;
}

static int copy_link(struct copy *copy, int from, int to, const char *name)
{
    if (procfs_read_link(from, name, &copy->bytes) < 0)
        return 0;
    int r = make_parents(to, name);
    if (r >= 0 && symlinkat(buffer_text(&copy->bytes), to, name) < 0)
        r = cannot_write(name);
    return r;
}

static int copy_links(struct copy *copy, int from, int to, const char *const *names)
{
    int r = 0;
    for (; *names && r >= 0; names++)
        r = copy_link(copy, from, to, *names);
    for (unsigned link = 0; link < LINK_COUNT && r >= 0; link++)
        r = copy_link(copy, from, to, namespace_links[link].path);
    return r;
}

/* Of what a task has open only the namespaces: nothing else is read in a copy. */
static int copy_descriptors(struct copy *copy, int from, int to)
{
    _cleanup_number_list_ struct number_list descriptors = {0};
    _cleanup_close_ int folder = procfs_open_folder(from, "fd");
    enum nsfs_type type;
    uint32_t inode;
    char name[16];
    int r = 0;
    if (folder < 0 || descriptors_list(folder, &descriptors) < 0)
        return 0;
    for (size_t i = 0; i < descriptors.count && r >= 0; i++) {
        snprintf(name, sizeof(name), "fd/%d", (int)descriptors.numbers[i]);
        if (procfs_read_link(folder, name + 3, &copy->bytes) >= 0 &&
            nsfs_parse_any_link(copy->bytes.bytes, copy->bytes.length, &type, &inode) >= 0)
            r = copy_link(copy, from, to, name);
    }
    return r;
}

/* Makes `name` below `to` and opens it, for what goes into it. */
static int open_new(int to, const char *name)
{
    int r = make_parents(to, name);
    if (r >= 0)
        r = make_directory(to, name);
    if (r >= 0 && (r = procfs_open_beneath(to, name)) < 0) {
        errno = -r;
        r = cannot_write(name);
    }
    return r;
}

static int copy_task(struct copy *copy, int from, int to, const char *name, bool thread)
{
    _cleanup_close_ int source = procfs_open_beneath(from, name);
    if (source < 0)
        return 0;
    _cleanup_close_ int target = open_new(to, name);
    if (target < 0)
        return target;
    int r = copy_links(copy, source, target, thread ? thread_links : process_links);
    if (r >= 0)
        r = copy_descriptors(copy, source, target);
    if (r >= 0 && copy->environment && !thread)
        r = copy_files(copy, source, target, secret_files);
    return r < 0 ? r : copy_files(copy, source, target, thread ? thread_files : process_files);
}

static int copy_threads(struct copy *copy, int to, pid_t pid)
{
    _cleanup_number_list_ struct number_list threads = {0};
    char name[48];
    snprintf(name, sizeof(name), "%d/task", (int)pid);
    if (procfs_list_numbers(copy->host->proc, name, &threads) < 0)
        return 0;
    int r = 0;
    for (size_t i = 0; i < threads.count && r >= 0; i++) {
        snprintf(name, sizeof(name), "%d/task/%d", (int)pid, (int)threads.numbers[i]);
        r = copy_task(copy, copy->host->proc, to, name, true);
    }
    return r;
}

static int copy_processes(struct copy *copy, int to)
{
    _cleanup_number_list_ struct number_list processes = {0};
    char name[16];
    int r = procfs_list_numbers(copy->host->proc, ".", &processes);
    if (r < 0)
        return error_set(-r, "cannot list the processes: %s", strerror(-r));
    for (size_t i = 0; i < processes.count && r >= 0; i++) {
        snprintf(name, sizeof(name), "%d", (int)processes.numbers[i]);
        r = copy_task(copy, copy->host->proc, to, name, false);
        if (r >= 0)
            r = copy_threads(copy, to, processes.numbers[i]);
    }
    return r;
}

static int copy_cgroup(struct copy *copy, int from, int to, unsigned depth)
{
    enum { DEEPEST = 200 };
    int r = copy_files(copy, from, to, cgroup_files);
    _cleanup_closedir_ DIR *listing = NULL;
    if (r < 0 || depth == DEEPEST || procfs_open_listing(from, ".", &listing) < 0)
        return r;
    for (const struct dirent *entry; r >= 0 && (entry = readdir(listing));) {
        if (entry->d_type != DT_DIR || !strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
            continue;
        _cleanup_close_ int source = procfs_open_directory(from, entry->d_name);
        _cleanup_close_ int target = open_new(to, entry->d_name);
        if (source >= 0)
            r = target < 0 ? target : copy_cgroup(copy, source, target, depth + 1);
    }
    return r;
}

static int ignore_record(void *userdata, const struct record *record)
{
    (void)userdata, (void)record;
    return 0;
}

/* Those mounted below /sys, where the recorder looks for them in a copy. */
static int copy_hierarchies(struct copy *copy, int to)
{
    const struct sink nowhere = {ignore_record, NULL};
    struct hierarchies hierarchies;
    int r = hierarchies_open(copy->host, &nowhere, &hierarchies);
    if (r < 0)
        return r;
    for (size_t i = 0; i < hierarchies.count && r >= 0; i++) {
        const struct hierarchy *hierarchy = &hierarchies.list[i];
        if (hierarchy->directory < 0 || strncmp(hierarchy->mount_target, "/sys/", 5))
            continue;
        _cleanup_close_ int target = open_new(to, hierarchy->mount_target + 5);
        r = target < 0 ? target : copy_cgroup(copy, hierarchy->directory, target, 0);
    }
    hierarchies_free(&hierarchies);
    return r;
}

static int copy_self(const struct copy *copy, int to)
{
    char self[16];
    snprintf(self, sizeof(self), "%d", (int)copy->host->self);
    return copy->host->self && symlinkat(self, to, "self") < 0 ? cannot_write("self") : 0;
}

static int copy_host(struct copy *copy, int folder)
{
    _cleanup_close_ int proc = open_new(folder, "proc");
    _cleanup_close_ int sys = open_new(folder, "sys");
    _cleanup_close_ int etc = open_new(folder, "etc");
    if (proc < 0 || sys < 0 || etc < 0)
        return proc < 0 ? proc : sys < 0 ? sys : etc;
    int r = copy_files(copy, copy->host->proc, proc, host_files);
    if (r >= 0)
        r = copy_files(copy, copy->host->etc, etc, etc_files);
    if (r >= 0)
        r = copy_self(copy, proc);
    if (r >= 0)
        r = copy_processes(copy, proc);
    return r < 0 ? r : copy_hierarchies(copy, sys);
}

/* Whoever owns the folder could put links where we are about to write. */
static int check_folder(int folder, const char *path)
{
    struct stat status;
    _cleanup_closedir_ DIR *listing = NULL;
    int r = fstat(folder, &status) < 0 ? -errno : procfs_open_listing(folder, ".", &listing);
    if (r < 0)
        return error_set(-r, "cannot look into the folder %s: %s", path, strerror(-r));
    if (status.st_uid != geteuid())
        return error_set(
            EPERM, "cannot capture a fixture into %s: it is another user's; give a new folder",
            path);
    for (const struct dirent *entry; (entry = readdir(listing));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            return error_set(ENOTEMPTY,
                             "cannot capture a fixture into %s: it holds something already; "
                             "give a new folder",
                             path);
    return 0;
}

/* A folder that is new, or ours with nothing in it. */
static int open_folder(const char *path)
{
    if (mkdir(path, FOLDER_MODE) < 0 && errno != EEXIST)
        return error_set(errno, "cannot make the folder %s: %s", path, strerror(errno));
    _cleanup_close_ int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return error_set(errno, "cannot open the folder %s: %s", path, strerror(errno));
    int r = check_folder(folder, path);
    return r < 0 ? r : steal_fd(&folder);
}

int fixture_capture(const struct host *host, bool environment, const char *path)
{
    struct copy copy = {.host = host, .environment = environment};
    _cleanup_close_ int folder = open_folder(path);
    int r = folder < 0 ? folder : copy_host(&copy, folder);
    buffer_free(&copy.bytes);
    return r;
}
