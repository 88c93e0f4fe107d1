/* SPDX-License-Identifier: Apache-2.0
 *
 * store/array.h - lists that grow one by one.
 */
#ifndef LC_STORE_ARRAY_H
#define LC_STORE_ARRAY_H

#include <stdlib.h>

/* The array of `count` elements with room for one more: itself, or moved to twice the memory; it
 * must have grown by this function only. NULL: no memory, and the array is as it was. */
static inline void *lc_array_more(void *array, size_t count, size_t size)
{
    if (array != NULL && (count & (count - 1)) != 0)
        return array; /* up to the next power of two there is room */
    return reallocarray(array, count == 0 ? 1 : 2 * count, size);
}

#endif
