/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/kernel/listns.h"

#include "base/cleanup.h"

#include <sys/syscall.h>

#ifndef SYS_listns
#define SYS_listns 470
#endif

static long call_kernel(const struct listns_request *request, uint64_t *ids, size_t count,
                        unsigned flags)
{
    return syscall(SYS_listns, request, ids, count, flags);
}

void listns_ids_free(struct listns_ids *list)
{
    free(list->ids);
    *list = (struct listns_ids){0};
}

/* Asked again with more room instead of behind the last id: one answer is of one moment, and the
 * first kernels that have the call go wrong behind an id when asked for one type. */
int listns_list(listns_function *call, enum nsfs_type type, struct listns_ids *ret_list)
{
    enum { FIRST = 1024, MOST = 1000000 }; /* the kernel's own limit */
    const struct listns_request request = {.size = sizeof(request), .types = nsfs_type_flag(type)};
    listns_function *ask = call ? call : call_kernel;
    for (size_t room = FIRST; room <= MOST; room = room * 8 < MOST ? room * 8 : MOST) {
        _cleanup_free_ uint64_t *ids = calloc(room, sizeof(*ids));
        if (!ids)
            return -ENOMEM;
        long count = ask(&request, ids, room, 0);
        if (count < 0)
            return -errno;
        if ((size_t)count < room) {
            *ret_list = (struct listns_ids){steal_pointer(ids), (size_t)count};
            return 0;
        }
        if (room == MOST)
            break;
    }
    return -EOVERFLOW;
}

int listns_probe(void)
{
    uint64_t id;
    const struct listns_request request = {.size = sizeof(request)};
    return call_kernel(&request, &id, 1, 0) < 0 ? -errno : 0;
}
