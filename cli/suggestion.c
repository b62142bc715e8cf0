/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/suggestion.h"

#include "base/text.h"

#include <stdbool.h>
#include <string.h>

static bool is_near(const char *word, size_t distance)
{
    return distance <= 1 + strlen(word) / 3 && distance < strlen(word);
}

void suggestion_consider(struct suggestion *suggestion, const char *candidate)
{
    size_t typed = strlen(suggestion->word);
    size_t distance = text_distance(suggestion->word, candidate);
    /* The beginning of a longer word counts as one slip. */
    if (typed >= 2 && strncmp(suggestion->word, candidate, typed) == 0)
        distance = 1;
    if (!is_near(suggestion->word, distance))
        return;
    if (!suggestion->closest || distance < suggestion->distance) {
        suggestion->closest = candidate;
        suggestion->distance = distance;
    }
}
