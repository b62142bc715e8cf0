/* SPDX-License-Identifier: Apache-2.0 */
/* How namespaces are listed by the kernel, for a test to put a recorded answer in its place. Inside
 * of namespace_kernel.c. */
#ifndef RECORDER_NAMESPACE_KERNEL_H
#define RECORDER_NAMESPACE_KERNEL_H

#include "recorder/kernel/listns.h"
#include "recorder/namespace_search.h"

struct namespace_lister {
    listns_function *list; /* NULL: the kernel's */
    /* A descriptor, -ESTALE if it has gone, or another negative errno; `any` is an open namespace.
     */
    int (*open)(int any, enum nsfs_type type, uint64_t id);
};

/* Sees all namespaces of the list: known ones by their ids, the others are opened by them. 0,
 * -ENOMEM, or the sink's error. */
int namespaces_see_listed(struct namespace_search *search, const struct namespace_lister *lister);

#endif
