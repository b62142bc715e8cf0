/* SPDX-License-Identifier: Apache-2.0 */
/* A set of process or thread ids: a bit for each that the kernel may give. */
#ifndef RECORDER_NUMBER_SET_H
#define RECORDER_NUMBER_SET_H

#include "base/cleanup.h"
#include "recorder/kernel/procfs.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    NUMBER_SET_MOST = 1 << 22, /* PID_MAX_LIMIT, include/linux/threads.h */
    NUMBER_SET_WORDS = NUMBER_SET_MOST / 64,
};

/* Zero-initialise it. Pages of it that nobody touches cost neither memory nor time. */
struct number_set {
    uint64_t *words;
    size_t used; /* how many words may have a bit; those behind need not be looked at */
};

/* Makes it empty. 0 or -ENOMEM. */
int number_set_begin(struct number_set *set);
void number_set_free(struct number_set *set);
#define _cleanup_number_set_ _cleanup_(number_set_free)

/* Readies it for all numbers below `end`: then several threads may add some at once, as long as no
 * two of them share a word. */
void number_set_reach(struct number_set *set, int64_t end);

/* What is out of range is not taken in. */
void number_set_add(struct number_set *set, int64_t number);
void number_set_add_list(struct number_set *set, const struct number_list *list);
bool number_set_has(const struct number_set *set, int64_t number);

#endif
