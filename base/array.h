/* SPDX-License-Identifier: Apache-2.0 */
/* Arrays that grow. */
#ifndef BASE_ARRAY_H
#define BASE_ARRAY_H

#include <stddef.h>

/* Makes room in `*array` (a pointer to elements of `size` bytes, NULL while empty, to be released
 * with free()) for `needed` elements; `*capacity` is how many fit. 0, or -ENOMEM with its message,
 * the array as it was. Call it as array_reserve(&things, &capacity, count + 1, sizeof(*things)). */
int array_reserve(void *array, size_t *capacity, size_t needed, size_t size);

#endif
