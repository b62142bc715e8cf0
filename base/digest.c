/* SPDX-License-Identifier: Apache-2.0 */
#include "base/digest.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

void digest_of(const void *bytes, size_t length, struct digest *ret_digest)
{
    /* sodium_init() picks the processor's instructions and may be called again and again. */
    static _Thread_local int ready;
    if (!ready)
        ready = sodium_init() >= 0;
    crypto_generichash(ret_digest->bytes, DIGEST_SIZE, bytes, length, NULL, 0);
}

int digest_compare(const void *a, const void *b)
{
    return memcmp(a, b, DIGEST_SIZE);
}

char *digest_format(const struct digest *digest, char text[static DIGEST_HEX_SIZE])
{
    return sodium_bin2hex(text, DIGEST_HEX_SIZE, digest->bytes, DIGEST_SIZE);
}

bool digest_parse(const char *text, struct digest *ret_digest)
{
    size_t length = strlen(text);
    return length == DIGEST_HEX_SIZE - 1 &&
           sodium_hex2bin(ret_digest->bytes, DIGEST_SIZE, text, length, NULL, NULL, NULL) == 0;
}

void uuid_new(char text[static UUID_TEXT_SIZE])
{
    uint8_t b[16];
    randombytes_buf(b, sizeof(b));
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    snprintf(text, UUID_TEXT_SIZE,
             "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
             b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
             b[15]);
}
