/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/blob.h"

#include "base/error.h"
#include "schema/reader.h"
#include "schema/statement.h"

#include <string.h>
#include <zstd.h>

enum { LEVEL = 6, BLOB_MOST = 64 * 1024 * 1024 };

DEFINE_CLEANUP(ZSTD_CCtx *, ZSTD_freeCCtx)
DEFINE_CLEANUP(ZSTD_DCtx *, ZSTD_freeDCtx)

int blob_pack(const void *bytes, size_t length, struct buffer *ret_packed)
{
    _cleanup_(ZSTD_freeCCtx_pointer) ZSTD_CCtx *context = ZSTD_createCCtx();
    buffer_clear(ret_packed);
    char *room = buffer_reserve(ret_packed, ZSTD_compressBound(length));
    if (!context || !room)
        return error_memory();
    ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, LEVEL);
    size_t packed = ZSTD_compress2(context, room, ZSTD_compressBound(length), bytes, length);
    if (ZSTD_isError(packed))
        return error_set(EIO, "cannot compress %zu bytes: %s", length, ZSTD_getErrorName(packed));
    buffer_commit(ret_packed, packed);
    return 0;
}

static int damaged(const char *why)
{
    return error_set(ERROR_NOT_A_DATABASE, "a compressed block in the database is damaged: %s",
                     why);
}

int blob_unpack(const void *packed, size_t length, size_t most, struct buffer *ret_bytes)
{
    _cleanup_(ZSTD_freeDCtx_pointer) ZSTD_DCtx *context = ZSTD_createDCtx();
    unsigned long long size =
        packed ? ZSTD_getFrameContentSize(packed, length) : ZSTD_CONTENTSIZE_ERROR;
    if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN)
        return damaged("its size is unknown");
    if (size > most)
        return damaged("it claims to be too large");
    buffer_clear(ret_bytes);
    char *room = buffer_reserve(ret_bytes, (size_t)size);
    if (!context || !room)
        return error_memory();
    size_t unpacked = ZSTD_decompressDCtx(context, room, (size_t)size, packed, length);
    if (ZSTD_isError(unpacked))
        return damaged(ZSTD_getErrorName(unpacked));
    buffer_commit(ret_bytes, unpacked);
    return 0;
}

int blob_write(struct database *database, const void *bytes, size_t length,
               struct digest *ret_digest)
{
    _cleanup_statement_ sqlite3_stmt *insert = NULL;
    _cleanup_buffer_ struct buffer packed = {0};
    struct digest digest;
    if (length > BLOB_MOST)
        return error_set(EFBIG, "evidence of %zu bytes is too large to be kept", length);
    digest_of(bytes, length, &digest);
    int result = blob_pack(bytes, length, &packed);
    if (!result)
        result = sql_prepare(database,
                             "INSERT INTO blob (digest, size, content) VALUES (?1, ?2, ?3)"
                             " ON CONFLICT DO NOTHING",
                             &insert);
    if (result)
        return result;
    sqlite3_bind_blob(insert, 1, digest.bytes, DIGEST_SIZE, SQLITE_STATIC);
    sqlite3_bind_int64(insert, 2, (int64_t)length);
    sqlite3_bind_blob64(insert, 3, packed.bytes, packed.length, SQLITE_STATIC);
    result = sql_run(database, insert);
    if (!result)
        *ret_digest = digest;
    return result;
}

int blob_read(struct database *database, const struct digest *digest, void **ret_bytes,
              size_t *ret_length)
{
    _cleanup_statement_ sqlite3_stmt *select = NULL;
    _cleanup_buffer_ struct buffer bytes = {0};
    struct digest found;
    int result = sql_prepare(database, "SELECT content FROM blob WHERE digest = ?1", &select);
    if (result)
        return result;
    sqlite3_bind_blob(select, 1, digest->bytes, DIGEST_SIZE, SQLITE_STATIC);
    result = sql_step(database, select);
    if (result <= 0)
        return result ? result : error_set(ENOENT, "no evidence of this digest is kept");
    result = blob_unpack(sqlite3_column_blob(select, 0), (size_t)sqlite3_column_bytes(select, 0),
                         BLOB_MOST, &bytes);
    if (result)
        return result;
    digest_of(bytes.bytes, bytes.length, &found);
    if (digest_compare(&found, digest) != 0)
        return damaged("its content is not what its digest says");
    *ret_bytes = steal_pointer(bytes.bytes);
    *ret_length = bytes.length;
    return 0;
}
