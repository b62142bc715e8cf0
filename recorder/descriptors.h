/* SPDX-License-Identifier: Apache-2.0 */
/* What tasks have open that keeps a namespace: files of nsfs, sockets, and TUN devices, in the
 * descriptor table of every process and in those that threads have for themselves. Each descriptor
 * costs one statx(2), which tells what kind of file it is, or in a copied host a readlink(2); only
 * a namespace is opened, and only a socket or a TUN device is copied. */
#ifndef RECORDER_DESCRIPTORS_H
#define RECORDER_DESCRIPTORS_H

#include "recorder/capture.h"
#include "recorder/kernel/procfs.h"

/* A file of nsfs that a task has open, as its link tells, or its status. */
struct descriptor_file {
    const struct census_task *task; /* of the census */
    int descriptor;
    int folder; /* its directory "fd", while the function is called */
    int proc;   /* of the host */
    enum nsfs_type type;
    uint32_t inode;
};

/* Who is told, by several threads at once, of which each has a sink of its own for what there is to
 * record of it. Each: 0, or an error that ends the walk. What is opened may be kept. */
struct descriptor_visitor {
    int (*file)(void *userdata, const struct sink *sink, const struct descriptor_file *file);
    /* The network namespace that a socket keeps, open: `fd` is taken over. Of a socket that many
     * tasks have, each thread tells once. */
    int (*socket)(void *userdata, const struct sink *sink, int fd);
    void *userdata;
};

/* Goes through the tables of all tasks, in no order. Leaves out the recorder's own, which end with
 * it, and the sources `fd` and `socket` where the capture doesn't want them. What may not be read
 * becomes a gap. */
int descriptors_walk(const struct capture *capture, const struct descriptor_visitor *visitor);

/* Opens the file and makes sure that it still is that namespace: a descriptor, or -ESTALE or
 * another negative errno, without a message. What has come in its place meanwhile is not opened. */
int descriptors_open(const struct descriptor_file *file);

/* Replaces what `into` holds by the descriptors that may be in a task's folder "fd", open for being
 * listed: ascending, as in a copied tree they come in any order, and 0 always. 0 or a negative
 * errno. */
int descriptors_list(int folder, struct number_list *into);

#endif
