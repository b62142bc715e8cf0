/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a bbolt database (https://github.com/etcd-io/bbolt), which containerd and Podman keep what
 * they have in: one file of pages, a tree of *buckets*. A bucket has items: keys with a value, or
 * with a bucket of their own. There is no library for it in C.
 *
 * Who works with the file has locked it for himself, and changes it while we read. A transaction
 * leaves the pages of the one before alone, and then writes one of two *meta pages*: so what is
 * read belongs together as long as no transaction has ended since. bolt_is_unchanged() says that
 * at the end; if not, all of it is worth nothing, and is read again.
 *
 * Every byte is hostile: nothing is read outside of the file or of its page, not deeper than a tree
 * of that size is, and not more than a few times the file. Numbers are in the byte order of the
 * machine that wrote them, which must be ours. Errors are negative errnos without a message:
 * -EBADMSG for what is no such database, -ELOOP, -EFBIG for what is no tree. */
#ifndef RECORDER_ENGINES_BOLT_H
#define RECORDER_ENGINES_BOLT_H

#include "recorder/kernel/span.h"

/* A database as it was after one transaction. */
struct bolt {
    int fd; /* borrowed */
    uint32_t page_size;
    uint64_t pages; /* that there are, of which some may be free */
    uint64_t root;  /* page of the outermost bucket */
    uint64_t transaction;
    uint64_t bytes_left; /* that may be read yet */
};

/* A place in the tree that has items. The bytes of a small one stand in its value. */
struct bolt_bucket {
    uint64_t page; /* 0: it is `inlined` */
    struct span inlined;
};

/* Borrowed while it is told. */
struct bolt_item {
    struct span key;
    struct span value; /* bytes NULL: it has a bucket */
    struct bolt_bucket bucket;
};

/* A negative return ends it and is returned. */
typedef int (*bolt_take)(void *userdata, struct bolt *bolt, const struct bolt_item *item);

/* Takes the newest transaction of a regular file that is open for reading. */
int bolt_open(int fd, struct bolt *ret_bolt);

/* Whether no transaction has ended since. */
bool bolt_is_unchanged(const struct bolt *bolt);

struct bolt_bucket bolt_root(const struct bolt *bolt);

/* Tells of all items of a bucket, in the order of their keys. */
int bolt_each(struct bolt *bolt, const struct bolt_bucket *bucket, bolt_take take, void *userdata);

/* Tells of the one item with the key; of none if there is none. */
int bolt_find(struct bolt *bolt, const struct bolt_bucket *bucket, struct span key, bolt_take take,
              void *userdata);

/* Opens it and calls `load`, which begins anew each time, until what was read belongs together.
 * What `load` returns; or -EAGAIN where it is written too often. */
int bolt_read(int fd, int (*load)(void *userdata, struct bolt *bolt), void *userdata);

#endif
