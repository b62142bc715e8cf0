/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/PID/mountinfo, parsed by libmount: proc_pid_mountinfo(5). */
#ifndef RECORDER_KERNEL_MOUNTINFO_H
#define RECORDER_KERNEL_MOUNTINFO_H

#include "base/buffer.h"
#include "recorder/kernel/span.h"

/* One line. Text is as the kernel has it, octal escapes undone; borrowed until the next line. None
 * is NULL, and none empty but the source. */
struct mountinfo_mount {
    int64_t id, parent;
    uint32_t device_major, device_minor;
    const char *root;
    const char *target;
    const char *options;
    const char *fstype;
    const char *source; /* may be empty */
    const char *super_options;
    int64_t shared, master, propagate_from; /* peer groups; 0 for none (the kernel begins with 1) */
    bool unbindable;
};

/* Reads the whole file into `table`. The kernel hands it out in pieces, between which mounts may
 * come and go; then it is read again, some times. 0, 1 if it changed each time, or a negative errno
 * without a message. */
int mountinfo_read(int fd, struct buffer *table);

/* Whether mounts came, went or changed since the file was opened, read, or asked the last time. */
bool mountinfo_has_changed(int fd);

/* Parses the whole file and calls `each` for every line, in order; what it returns other than 0
 * ends the parsing and is returned. Lines that make no sense are skipped and counted. Otherwise 0,
 * -ENOMEM, or -ENOSYS where there is no libmount, with their messages. */
int mountinfo_parse(const char *bytes, size_t length,
                    int (*each)(void *userdata, const struct mountinfo_mount *mount),
                    void *userdata, size_t *ret_skipped);

/* The same of lines that statmount_append_line() has made, which need none of what libmount is
 * lenient with, and a sixth of its time; both say the same of them (fuzz-statmount). */
int mountinfo_parse_made(const char *bytes, size_t length,
                         int (*each)(void *userdata, const struct mountinfo_mount *mount),
                         void *userdata, size_t *ret_skipped);

/* Where one line's mount is in the tree of mounts. The target has its octal escapes still; they let
 * unlike names stay unlike, and slashes be slashes. Borrowed from the file. */
struct mountinfo_place {
    int64_t id, parent;
    struct span target;
};

/* Takes lines off `rest` up to one that begins as a line does, in the order of mountinfo_parse(),
 * which may skip some of those. False at the end. */
bool mountinfo_take_place(struct span *rest, struct mountinfo_place *ret_place);

#endif
