/* SPDX-License-Identifier: Apache-2.0 */
#include "export/fold.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

enum { DEPTH_UNKNOWN = 0 };
#define DEPTH_VISITING SIZE_MAX

void fold_free(struct fold *fold)
{
    free(fold->parents);
    free(fold->wanted);
    free(fold->looks);
    free(fold->leaders);
    free(fold->next);
    free(fold->sizes);
    free(fold->depths);
    free(fold->order);
    *fold = (struct fold){0};
}

int fold_new(size_t count, struct fold *ret_fold)
{
    const size_t room = count + 1; /* so that none is no special case */
    _cleanup_fold_ struct fold fold = {
        .count = count,
        .parents = calloc(room, sizeof *fold.parents),
        .wanted = calloc(room, sizeof *fold.wanted),
        .looks = calloc(room, sizeof *fold.looks),
        .leaders = calloc(room, sizeof *fold.leaders),
        .next = calloc(room, sizeof *fold.next),
        .sizes = calloc(room, sizeof *fold.sizes),
        .depths = calloc(room, sizeof *fold.depths),
        .order = calloc(room, sizeof *fold.order),
    };
    if (!fold.parents || !fold.wanted || !fold.looks || !fold.leaders || !fold.next ||
        !fold.sizes || !fold.depths || !fold.order)
        return error_memory();
    for (size_t i = 0; i < count; i++) {
        fold.parents[i] = fold.leaders[i] = fold.next[i] = FOLD_NONE;
        fold.wanted[i] = true;
    }
    *ret_fold = fold;
    fold = (struct fold){0};
    return 0;
}

int fold_set_look(struct fold *fold, size_t node, const struct buffer *look)
{
    int r = buffer_error(look);
    if (r < 0)
        return r;
    digest_of(buffer_text(look), look->length, &fold->looks[node]);
    return 0;
}

/* Fills the depths, from 1 at the roots. `order` serves as the stack of the nodes whose depth waits
 * for that of their parent. */
void fold_cut_circles(struct fold *fold)
{
    memset(fold->depths, DEPTH_UNKNOWN, fold->count * sizeof *fold->depths);
    for (size_t i = 0; i < fold->count; i++) {
        size_t waiting = 0, node = i;
        while (node != FOLD_NONE && fold->depths[node] == DEPTH_UNKNOWN) {
            fold->depths[node] = DEPTH_VISITING;
            fold->order[waiting++] = node;
            size_t parent = fold->parents[node];
            if (parent != FOLD_NONE && fold->depths[parent] == DEPTH_VISITING)
                parent = fold->parents[node] = FOLD_NONE;
            node = parent;
        }
        while (waiting) {
            node = fold->order[--waiting];
            size_t parent = fold->parents[node];
            fold->depths[node] = parent == FOLD_NONE ? 1 : fold->depths[parent] + 1;
        }
    }
}

static void want_ancestors(struct fold *fold)
{
    for (size_t i = 0; i < fold->count; i++) {
        if (!fold->wanted[i])
            continue;
        for (size_t node = fold->parents[i]; node != FOLD_NONE && !fold->wanted[node];
             node = fold->parents[node])
            fold->wanted[node] = true;
    }
}

static int compare_by_depth(const void *left, const void *right, void *userdata)
{
    const struct fold *fold = userdata;
    const size_t a = *(const size_t *)left, b = *(const size_t *)right;
    int order = compare_numbers(fold->depths[a], fold->depths[b]);
    return order ? order : compare_numbers(a, b);
}

static int compare_by_parent(const void *left, const void *right, void *userdata)
{
    const struct fold *fold = userdata;
    const size_t a = *(const size_t *)left, b = *(const size_t *)right;
    int order = compare_numbers(fold->parents[a], fold->parents[b]);
    return order ? order : digest_compare(&fold->looks[a], &fold->looks[b]);
}

static size_t parent_leader(const struct fold *fold, size_t node)
{
    size_t parent = fold->parents[node];
    return parent == FOLD_NONE ? FOLD_NONE : fold->leaders[parent];
}

static int compare_by_class(const void *left, const void *right, void *userdata)
{
    const struct fold *fold = userdata;
    const size_t a = *(const size_t *)left, b = *(const size_t *)right;
    int order = compare_numbers(parent_leader(fold, a), parent_leader(fold, b));
    if (!order)
        order = digest_compare(&fold->looks[a], &fold->looks[b]);
    return order ? order : compare_numbers(a, b);
}

/* Each node of a level looks as it does by itself and as its children do, whatever their order. The
 * nodes [begin, end) of `order` are in their own order, the level below from `end` on by parent. */
static int look_of_level(struct fold *fold, size_t begin, size_t end, size_t end_below)
{
    size_t child = end;
    for (size_t i = begin; i < end; i++) {
        const size_t node = fold->order[i];
        _cleanup_buffer_ struct buffer look = {0};
        buffer_append(&look, fold->looks[node].bytes, DIGEST_SIZE);
        for (; child < end_below && fold->parents[fold->order[child]] == node; child++)
            buffer_append(&look, fold->looks[fold->order[child]].bytes, DIGEST_SIZE);
        int r = fold_set_look(fold, node, &look);
        if (r < 0)
            return r;
    }
    return 0;
}

static size_t level_begin(const struct fold *fold, size_t end)
{
    size_t begin = end;
    while (begin && fold->depths[fold->order[begin - 1]] == fold->depths[fold->order[end - 1]])
        begin--;
    return begin;
}

/* From the deepest level upwards. */
static int look_of_subtrees(struct fold *fold, size_t drawn)
{
    size_t end_below = drawn;
    for (size_t end = drawn, begin; end; end_below = end, end = begin) {
        begin = level_begin(fold, end);
        int r = look_of_level(fold, begin, end, end_below);
        if (r < 0)
            return r;
        qsort_r(fold->order + begin, end - begin, sizeof *fold->order, compare_by_parent, fold);
    }
    return 0;
}

static bool is_alike(const struct fold *fold, size_t a, size_t b)
{
    return parent_leader(fold, a) == parent_leader(fold, b) &&
           digest_compare(&fold->looks[a], &fold->looks[b]) == 0;
}

/* Children of one class that look alike are a class; from the roots downwards. */
static void make_classes(struct fold *fold, size_t drawn)
{
    for (size_t begin = 0, end; begin < drawn; begin = end) {
        const size_t depth = fold->depths[fold->order[begin]];
        for (end = begin; end < drawn && fold->depths[fold->order[end]] == depth;)
            end++;
        qsort_r(fold->order + begin, end - begin, sizeof *fold->order, compare_by_class, fold);
        for (size_t i = begin; i < end; i++) {
            const size_t node = fold->order[i];
            const size_t before = i > begin ? fold->order[i - 1] : FOLD_NONE;
            const bool joins = before != FOLD_NONE && is_alike(fold, before, node);
            fold->leaders[node] = joins ? fold->leaders[before] : node;
            if (joins)
                fold->next[before] = node;
            fold->sizes[fold->leaders[node]]++;
        }
    }
}

int fold_run(struct fold *fold)
{
    fold_cut_circles(fold);
    want_ancestors(fold);
    size_t drawn = 0;
    for (size_t i = 0; i < fold->count; i++)
        if (fold->wanted[i])
            fold->order[drawn++] = i;
    qsort_r(fold->order, drawn, sizeof *fold->order, compare_by_depth, fold);
    int r = look_of_subtrees(fold, drawn);
    if (r < 0)
        return r;
    make_classes(fold, drawn);
    return 0;
}

size_t fold_parent_class(const struct fold *fold, size_t leader)
{
    return parent_leader(fold, leader);
}
