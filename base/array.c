/* SPDX-License-Identifier: Apache-2.0 */
#include "base/array.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

enum { SMALLEST = 64 };

int array_reserve(void *array, size_t *capacity, size_t needed, size_t size)
{
    void *elements; /* copied, as a pointer to things is no void pointer */
    if (needed <= *capacity)
        return 0;
    size_t wanted = *capacity > SMALLEST / 2 ? *capacity * 2 : SMALLEST;
    if (wanted < needed)
        wanted = needed;
    memcpy(&elements, array, sizeof(elements));
    elements = reallocarray(elements, wanted, size);
    if (!elements)
        return error_memory();
    memcpy(array, &elements, sizeof(elements));
    *capacity = wanted;
    return 0;
}
