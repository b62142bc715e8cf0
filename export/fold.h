/* SPDX-License-Identifier: Apache-2.0 */
/* Folds what is alike in a forest: siblings whose whole subtrees look the same become one class,
 * which is drawn once with a count. Without recursion, for a captured tree may be as deep as it
 * likes. */
#ifndef EXPORT_FOLD_H
#define EXPORT_FOLD_H

#include "base/buffer.h"
#include "base/digest.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FOLD_NONE SIZE_MAX

/* Nodes are numbers below `count`, in the order in which they are to be drawn. */
struct fold {
    size_t count;
    size_t *parents;      /* in: parent of each node, FOLD_NONE for a root (the beginning) */
    bool *wanted;         /* in: is to be drawn, with its ancestors (true in the beginning) */
    struct digest *looks; /* in: how the node looks by itself; out: its whole subtree */
    size_t *leaders;      /* out: the first node of its class; FOLD_NONE for what is not drawn */
    size_t *next;         /* out: the next node of its class, FOLD_NONE at the end */
    size_t *sizes;        /* out: of a leader, how many nodes its class has */
    size_t *depths;       /* work space */
    size_t *order;        /* work space */
};

/* -1, 0 or 1: for those who order nodes. */
static inline int compare_numbers(size_t a, size_t b)
{
    return (a > b) - (a < b);
}

/* 0 or -ENOMEM with its message. */
int fold_new(size_t count, struct fold *ret_fold);
void fold_free(struct fold *fold);
#define _cleanup_fold_ _cleanup_(fold_free)

/* Says how a node looks; equal bytes look alike. -ENOMEM when `look` was cut short. */
int fold_set_look(struct fold *fold, size_t node, const struct buffer *look);

/* Makes a forest of `parents`: circles, which only a torn reading can show, are cut where they are
 * met first. fold_run() does it too. */
void fold_cut_circles(struct fold *fold);

/* Fills `leaders`, `next` and `sizes`. What is wanted is drawn with its ancestors. */
int fold_run(struct fold *fold);

/* The class that the class of `leader` hangs on, FOLD_NONE for a root. */
size_t fold_parent_class(const struct fold *fold, size_t leader);

#endif
