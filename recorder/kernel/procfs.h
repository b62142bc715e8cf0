/* SPDX-License-Identifier: Apache-2.0 */
/* Reading below a directory descriptor: a live procfs, cgroupfs, or a copied tree. Nothing here
 * follows a symbolic link or waits for a FIFO, so that a copied tree cannot lead out of itself.
 *
 * Errors are negative errnos without a message: whether a failure is one is known by the caller. */
#ifndef RECORDER_KERNEL_PROCFS_H
#define RECORDER_KERNEL_PROCFS_H

#include "base/buffer.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What one text file of a process may hold before we stop reading. The kernel's own are a few kB;
 * arguments and environment are the process's, which can make them as long as its memory. */
enum {
    PROCFS_TEXT_MOST = 1 << 20,
    PROCFS_ARGUMENTS_MOST = 128 << 10,
    PROCFS_TABLE_MOST = 256 << 20
};

/* A descriptor of the directory `name`, for openat(2) below it (O_PATH): one step, which is no
 * link, or a path that we know. */
int procfs_open_directory(int directory, const char *name);

/* The same, for any path with '/' that comes from outside: every step is a directory and no link,
 * and none leads upwards. A leading '/' is `directory` itself. */
int procfs_open_beneath(int directory, const char *path);

/* Opens a file for reading. Here and below `name` may have several steps ("attr/current"), none of
 * them a link. */
int procfs_open_file(int directory, const char *name);

/* Replaces what `into` holds by the file from its beginning. -EFBIG when it goes on behind `limit`
 * bytes: then `into` holds the first `limit`.
 *
 * The kernel makes most files of procfs and cgroupfs in one piece, so that a read which doesn't
 * fill its room was the last one. Not so mountinfo and other tables, which come line by line: they
 * are read until nothing comes any more, by the second two. */
int procfs_read(int directory, const char *name, size_t limit, struct buffer *into);
int procfs_read_descriptor(int fd, size_t limit, struct buffer *into);
int procfs_read_table(int directory, const char *name, size_t limit, struct buffer *into);
int procfs_read_table_descriptor(int fd, size_t limit, struct buffer *into);

/* Replaces what `into` holds by the target of the link. procfs cuts none: what is longer than a
 * page is -ENAMETOOLONG. */
int procfs_read_link(int directory, const char *name, struct buffer *into);

/* Opens the directory for readdir(3), at its beginning. */
int procfs_open_listing(int directory, const char *name, DIR **ret_listing);

/* A list of process or thread ids, in the order of the directory. Zero-initialise it. */
struct number_list {
    pid_t *numbers;
    size_t count;
    size_t capacity;
};

void number_list_free(struct number_list *list);
#define _cleanup_number_list_ _cleanup_(number_list_free)

/* 0 or -ENOMEM, with its message. */
int number_list_add(struct number_list *list, pid_t number);

/* In ascending order. */
void number_list_sort(struct number_list *list);

/* Replaces what `into` holds by the entries whose names are numbers. */
int procfs_list_numbers(int directory, const char *name, struct number_list *into);

/* A directory that is open for both: for openat(2) below it, and for the second. */
int procfs_open_folder(int directory, const char *name);
int procfs_list_folder(int folder, struct number_list *into);

#endif
