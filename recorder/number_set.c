/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/number_set.h"

#include "base/error.h"

int number_set_begin(struct number_set *set)
{
    number_set_free(set);
    set->words = calloc(NUMBER_SET_WORDS, sizeof(*set->words));
    return set->words ? 0 : error_memory();
}

void number_set_free(struct number_set *set)
{
    free(set->words);
    *set = (struct number_set){0};
}

void number_set_reach(struct number_set *set, int64_t end)
{
    size_t words = ((size_t)end + 63) / 64;
    if (words > set->used)
        set->used = words < NUMBER_SET_WORDS ? words : NUMBER_SET_WORDS;
}

void number_set_add(struct number_set *set, int64_t number)
{
    if (number < 0 || number >= NUMBER_SET_MOST)
        return;
    number_set_reach(set, number + 1);
    set->words[number / 64] |= UINT64_C(1) << number % 64;
}

void number_set_add_list(struct number_set *set, const struct number_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        number_set_add(set, list->numbers[i]);
}

bool number_set_has(const struct number_set *set, int64_t number)
{
    return number >= 0 && number < NUMBER_SET_MOST && set->words[number / 64] >> number % 64 & 1;
}
