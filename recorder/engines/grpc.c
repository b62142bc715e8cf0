/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/engines/grpc.h"

#include <endian.h>
#include <errno.h>

int grpc_append_message(struct buffer *into, const void *message, size_t length)
{
    if (length > UINT32_MAX)
        return -EFBIG;
    uint32_t big_endian = htobe32((uint32_t)length);
    buffer_append_char(into, 0);
    buffer_append(into, &big_endian, sizeof(big_endian));
    buffer_append(into, message, length);
    return 0;
}

int grpc_find_message(struct span answer, struct span *ret_message)
{
    uint32_t big_endian;
    if (answer.length < GRPC_PREFIX)
        return -ENODATA;
    memcpy(&big_endian, answer.bytes + 1, sizeof(big_endian));
    size_t length = be32toh(big_endian), there = answer.length - GRPC_PREFIX;
    if (answer.bytes[0] != 0 || there > length)
        return -EPROTO;
    if (there < length)
        return -ENODATA;
    *ret_message = (struct span){answer.bytes + GRPC_PREFIX, length};
    return 0;
}

int grpc_code(uint64_t status)
{
    static const int codes[] = {
        [1] = ECANCELED,   /* CANCELLED */
        [2] = EREMOTEIO,   /* UNKNOWN */
        [3] = EINVAL,      /* INVALID_ARGUMENT */
        [4] = ETIMEDOUT,   /* DEADLINE_EXCEEDED */
        [5] = ENOENT,      /* NOT_FOUND */
        [6] = EEXIST,      /* ALREADY_EXISTS */
        [7] = EACCES,      /* PERMISSION_DENIED */
        [8] = ENOBUFS,     /* RESOURCE_EXHAUSTED */
        [9] = EBUSY,       /* FAILED_PRECONDITION */
        [10] = EAGAIN,     /* ABORTED */
        [11] = ERANGE,     /* OUT_OF_RANGE */
        [12] = EOPNOTSUPP, /* UNIMPLEMENTED */
        [13] = EREMOTEIO,  /* INTERNAL */
        [14] = EHOSTDOWN,  /* UNAVAILABLE */
        [15] = EIO,        /* DATA_LOSS */
        [16] = EACCES,     /* UNAUTHENTICATED */
    };
    return status && status < sizeof(codes) / sizeof(*codes) ? codes[status] : EPROTO;
}
