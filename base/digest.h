/* SPDX-License-Identifier: Apache-2.0 */
/* BLAKE2b with 32 bytes of output (RFC 7693), by libsodium. */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DIGEST_SIZE = 32, DIGEST_HEX_SIZE = 2 * DIGEST_SIZE + 1, UUID_TEXT_SIZE = 37 };

struct digest {
    uint8_t bytes[DIGEST_SIZE];
};

void digest_of(const void *bytes, size_t length, struct digest *ret_digest);

/* By bytes, as memcmp. */
int digest_compare(const void *a, const void *b);

/* Lower-case hexadecimal into `text`, which is returned. */
char *digest_format(const struct digest *digest, char text[static DIGEST_HEX_SIZE]);

/* The other way; false if the text is no digest. */
bool digest_parse(const char *text, struct digest *ret_digest);

/* A random (version 4) UUID, RFC 9562, from the kernel's random numbers. */
void uuid_new(char text[static UUID_TEXT_SIZE]);

#endif
