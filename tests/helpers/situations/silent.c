/* SPDX-License-Identifier: Apache-2.0 */
/* A namespace that only a bind mount keeps, on a file whose file system has stopped to answer: no
 * path lookup to it ever ends. The file system is a FUSE with one file (linux/fuse.h, fuse(4)), of
 * which the kernel may keep nothing in memory. */
#include "tests/helpers/child.h"
#include "tests/helpers/situation.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { ROOT_NODE = FUSE_ROOT_ID, FILE_NODE, REQUEST_SIZE = FUSE_MIN_READ_BUFFER + 4096 };

static const char file_name[] = "namespace";
static uint64_t *namespace;

static void hold(void *unused)
{
    (void)unused;
    child_hold();
}

/* ---- the file system ---- */

static struct fuse_attr attributes_of(uint64_t node)
{
    return (struct fuse_attr){
        .ino = node, .mode = node == ROOT_NODE ? S_IFDIR | 0755 : S_IFREG | 0600, .nlink = 1};
}

static void answer(int device, uint64_t request, int code, const void *body, size_t size)
{
    struct fuse_out_header header = {
        .len = (uint32_t)(sizeof(header) + size), .error = code, .unique = request};
    struct iovec parts[] = {{&header, sizeof(header)}, {(void *)(uintptr_t)body, size}};
    writev(device, parts, size ? 2 : 1); /* who asked may have gone */
}

static void look_up(int device, const struct fuse_in_header *header, const char *name)
{
    struct fuse_entry_out entry = {.nodeid = FILE_NODE, .attr = attributes_of(FILE_NODE)};
    if (strcmp(name, file_name))
        answer(device, header->unique, -ENOENT, NULL, 0);
    else
        answer(device, header->unique, 0, &entry, sizeof(entry));
}

static void serve_one(int device, const struct fuse_in_header *header)
{
    const struct fuse_init_out init = {.major = FUSE_KERNEL_VERSION,
                                       .minor = FUSE_KERNEL_MINOR_VERSION,
                                       .max_readahead = 4096,
                                       .max_write = 4096};
    const struct fuse_attr_out status = {.attr = attributes_of(header->nodeid)};
    switch (header->opcode) {
    case FUSE_INIT:
        answer(device, header->unique, 0, &init, sizeof(init));
        break;
    case FUSE_LOOKUP:
        look_up(device, header, (const char *)(header + 1));
        break;
    case FUSE_GETATTR:
        answer(device, header->unique, 0, &status, sizeof(status));
        break;
    case FUSE_FORGET: /* has no answer */
        break;
    default:
        answer(device, header->unique, -ENOSYS, NULL, 0);
    }
}

static void serve(void *argument)
{
    const int *device = argument;
    static union {
        struct fuse_in_header header;
        char bytes[REQUEST_SIZE];
    } request;
    child_ready();
    while (read(*device, &request, sizeof(request)) > 0)
        serve_one(*device, &request.header);
}

/* ---- the bind mount ---- */

static void bind_namespace(const char *path)
{
    char file[64];
    pid_t maker = child_start(CLONE_NEWNET, hold, NULL);
    *namespace = namespace_of(maker, "net");
    snprintf(file, sizeof(file), "/proc/%d/ns/net", maker);
    check(mount(file, path, NULL, MS_BIND, NULL), path);
    child_end(maker);
}

/* The device stays open when its server is gone: so the kernel goes on waiting for it. */
static void keep(void *unused)
{
    (void)unused;
    char options[96], path[256];
    int device = check(open("/dev/fuse", O_RDWR | O_CLOEXEC), "/dev/fuse");
    snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other",
             device);
    snprintf(path, sizeof(path), "%s/%s", scratch_folder(), file_name);
    check(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "cannot keep mounts to ourselves");
    check(mount("silent", scratch_folder(), "fuse", MS_NOSUID | MS_NODEV, options), "fuse");
    pid_t server = child_start(0, serve, &device);
    bind_namespace(path);
    child_end(server);
    child_hold();
}

static void build(cJSON *facts)
{
    namespace = share(sizeof(*namespace));
    scratch_folder();
    pid_t pid = child_start(CLONE_NEWNS, keep, NULL);
    fact_number(facts, "pid", (uint64_t)pid);
    fact_text(facts, "type", "net");
    fact_number(facts, "namespace", *namespace);
    fact_number(facts, "keeper_namespace", namespace_of(pid, "mnt"));
}

const struct situation situations_silent[] = {
    {"bind-silent", "a bind-mounted network namespace whose path never answers", build, NULL, 0},
    {0},
};
