/* SPDX-License-Identifier: Apache-2.0 */
/* listns(2), kernel 6.19: the ids of the namespaces that are in use, by whatever
 * (include/uapi/linux/nsfs.h, struct ns_id_req). */
#ifndef RECORDER_KERNEL_LISTNS_H
#define RECORDER_KERNEL_LISTNS_H

#include "recorder/kernel/nsfs.h"

struct listns_request {
    uint32_t size;
    uint32_t spare;
    uint64_t after; /* only ids behind this one; 0 for all */
    uint32_t types; /* nsfs_type_flag() of those wanted */
    uint32_t spare_too;
    uint64_t owner; /* id of the owning user namespace; 0 for any */
};

/* The system call: how many ids it wrote, at most `count`; or -1 and errno. */
typedef long listns_function(const struct listns_request *request, uint64_t *ids, size_t count,
                             unsigned flags);

struct listns_ids {
    uint64_t *ids;
    size_t count;
};

void listns_ids_free(struct listns_ids *list);
#define _cleanup_listns_ids_ _cleanup_(listns_ids_free)

/* All of one type, by `call`, or by the kernel's where that is NULL. 0 or a negative errno without
 * a message: -EOVERFLOW where there are more than the kernel tells at once. */
int listns_list(listns_function *call, enum nsfs_type type, struct listns_ids *ret_list);

/* Whether this kernel has it. */
int listns_probe(void);

#endif
