/* SPDX-License-Identifier: Apache-2.0 */
/* What the fuzz targets share. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* The target: https://llvm.org/docs/LibFuzzer.html. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

/* What must hold for every input. */
#define fuzz_check(condition)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);         \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* Whether a run of bytes lies inside of another. */
static inline bool fuzz_lies_in(const char *bytes, size_t length, const uint8_t *all,
                                size_t all_length)
{
    const char *begin = (const char *)all;
    return bytes >= begin && bytes + length <= begin + all_length;
}

#endif
