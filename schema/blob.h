/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence kept once by content, and the compression that blobs and samples share. */
#ifndef SCHEMA_BLOB_H
#define SCHEMA_BLOB_H

#include "base/buffer.h"
#include "base/digest.h"
#include "schema/database.h"

/* Keeps the bytes; `ret_digest` is their name. Within a transaction of the caller's. */
int blob_write(struct database *database, const void *bytes, size_t length,
               struct digest *ret_digest);

/* zstd (RFC 8878). The result replaces what is in `ret_packed`. */
int blob_pack(const void *bytes, size_t length, struct buffer *ret_packed);

/* The other way. What does not decompress to at most `most` bytes is -ERROR_NOT_A_DATABASE. */
int blob_unpack(const void *packed, size_t length, size_t most, struct buffer *ret_bytes);

#endif
