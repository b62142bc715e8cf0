/* SPDX-License-Identifier: Apache-2.0 */
/* "Did you mean": the word that was meant, found among those that exist. */
#ifndef CLI_SUGGESTION_H
#define CLI_SUGGESTION_H

#include <stddef.h>

/* Begin with {.word = what was typed}; both strings are borrowed. */
struct suggestion {
    const char *word;
    const char *closest; /* NULL as long as nothing is near enough */
    size_t distance;
};

/* Keeps `candidate` when it is nearer to the word than what was seen before. */
void suggestion_consider(struct suggestion *suggestion, const char *candidate);

#define SUGGESTION_FORMAT "%s%s%s"
/* For the end of a message: "; did you mean 'list'?", or nothing when no candidate was near enough.
 */
#define SUGGESTION_ARGUMENTS(suggestion)                                                           \
    (suggestion).closest ? "; did you mean '" : "",                                                \
        (suggestion).closest ? (suggestion).closest : "", (suggestion).closest ? "'?" : ""

#endif
