/* SPDX-License-Identifier: Apache-2.0 */
/* Writes DOT, the language of Graphviz (graphviz.org/doc/info/lang.html). All captured text goes in
 * through here: it is made printable, shortened, and quoted for the place where it stands, so that
 * no name can leave its label. Labels are HTML-like ones, a few lines each; what a mark looks like
 * is decided here alone. */
#ifndef EXPORT_DOT_H
#define EXPORT_DOT_H

#include "base/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* What became of a thing between two snapshots. */
enum mark { MARK_NONE, MARK_ADDED, MARK_REMOVED, MARK_CHANGED, MARK_UNOBSERVED, MARK_COUNT };

/* "+ ", "− ", "Δ ", "? ", and "" for MARK_NONE: the mark without any colour. */
extern const char *const mark_signs[MARK_COUNT];

/* Characters of one name that a label shows; longer ones lose their middle. */
enum { DOT_NAME_LENGTH = 48 };

/* DOT_FADED: a box for what is there, but not to be seen. */
enum dot_shape { DOT_BOX, DOT_FADED, DOT_ROUNDED, DOT_PLAIN };

enum dot_line {
    DOT_CHILD,  /* from parent to child: solid */
    DOT_OWNS,   /* from owner to owned: dashed */
    DOT_JOINS,  /* from processes to a namespace that they share with others: dotted */
    DOT_PEERS,  /* between peers, without a direction: dashed */
    DOT_SLAVE,  /* from master to slave: dashed with an open arrow */
    DOT_HIDDEN, /* for the layout alone */
};

/* The text so far. Zero-initialise it. */
struct dot {
    struct buffer text;
    unsigned depth;
};

struct dot_edge {
    const char *from, *to;   /* ids of nodes */
    const char *tail, *head; /* ids of clusters where the edge is cut off; NULL for none */
    const char *label;       /* plain text; NULL for none */
    enum dot_line line;
    enum mark mark;
};

void dot_free(struct dot *dot);
#define _cleanup_dot_ _cleanup_(dot_free)

/* `title` is a label as made by the functions below. Graph and cluster are ended by dot_end(). */
void dot_begin_graph(struct dot *dot, const char *id, const struct buffer *title);
/* `id` begins with "cluster_". */
void dot_begin_cluster(struct dot *dot, const char *id, const struct buffer *label, enum mark mark);
void dot_end(struct dot *dot);

void dot_add_node(struct dot *dot, const char *id, const struct buffer *label, enum dot_shape shape,
                  enum mark mark);
void dot_add_edge(struct dot *dot, const struct dot_edge *edge);

/* A row with one sample of each mark. Graphviz puts what comes first at the bottom. */
void dot_add_legend(struct dot *dot);

/* A label's first line: bold, behind its mark's sign, with "×12" for a `count` above 1. */
void dot_label_heading(struct buffer *label, enum mark mark, const char *text, size_t count);
/* Further lines, plain and small. `mark` puts its sign in front and makes it bold. */
void dot_label_line(struct buffer *label, enum mark mark, const char *text);
void dot_label_note(struct buffer *label, const char *text);

/* Appends text as a quoted DOT string that stays what it is in every attribute, also where Graphviz
 * reads escapes (\N, \l) and entities (&amp;). */
void dot_append_quoted(struct buffer *buffer, const char *text);

/* Appends text as the character data of an HTML-like label. Graphviz refuses an element without
 * any: no text comes out as a pair of quotes. */
void dot_append_markup(struct buffer *buffer, const char *text);

/* Appends captured text for a label: printable, and with "…" in place of its middle when it has
 * more than `most` characters. Not quoted yet. */
void dot_append_name(struct buffer *buffer, const char *text, size_t most);

#endif
