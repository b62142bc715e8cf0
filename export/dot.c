/* SPDX-License-Identifier: Apache-2.0 */
#include "export/dot.h"

#include "base/text.h"

#include <string.h>

/* Told apart by the sign, the border and the colour, in this order of trust: the sign is read aloud
 * and copied, the border is printed in black and white, the colours are told apart by the
 * colour-blind (after Okabe and Ito). */
struct mark_look {
    const char *name;
    const char *border; /* the rest of a node's style */
    const char *width;
    const char *peripheries;
    const char *color;
    const char *fill;
};

static const struct mark_look looks[MARK_COUNT] = {
    [MARK_NONE] = {"unchanged", "solid", "0.8", "1", "#7a7a7a", "#ffffff"},
    [MARK_ADDED] = {"added", "solid", "2.6", "1", "#0068a5", "#e2f0fa"},
    [MARK_REMOVED] = {"removed", "dashed", "1.8", "1", "#b34700", "#fdeadd"},
    [MARK_CHANGED] = {"changed", "solid", "1.0", "2", "#7a5c00", "#fff5d1"},
    [MARK_UNOBSERVED] = {"unobserved", "dotted", "2.0", "1", "#8a3f73", "#f8edf4"},
};

const char *const mark_signs[MARK_COUNT] = {
    [MARK_NONE] = "",           [MARK_ADDED] = "+ ",      [MARK_REMOVED] = "\u2212 ",
    [MARK_CHANGED] = "\u0394 ", [MARK_UNOBSERVED] = "? ",
};

static const char *const line_attributes[] = {
    [DOT_CHILD] = "style=solid",
    [DOT_OWNS] = "style=dashed,arrowhead=empty",
    [DOT_JOINS] = "style=dotted,arrowhead=dot",
    [DOT_PEERS] = "style=dashed,dir=none",
    [DOT_SLAVE] = "style=dashed,arrowhead=vee",
    [DOT_HIDDEN] = "style=invis",
};

void dot_free(struct dot *dot)
{
    buffer_free(&dot->text);
}

/* True for what expat, which reads HTML-like labels, takes for an error though it is valid UTF-8.
 */
static bool is_noncharacter(uint32_t c)
{
    return (c & 0xfffe) == 0xfffe || (c >= 0xfdd0 && c <= 0xfdef);
}

static void append_printable(struct buffer *buffer, const char *text)
{
    _cleanup_buffer_ struct buffer printable = {0};
    text_append_printable(&printable, text, strlen(text));
    buffer->failed |= printable.failed;
    const char *at = buffer_text(&printable);
    for (size_t left = printable.length, size; left; left -= size, at += size) {
        uint32_t character = 0;
        size = text_utf8_sequence(at, left, &character);
        if (is_noncharacter(character))
            buffer_append_format(buffer, "\\u{%X}", character);
        else
            buffer_append(buffer, at, size);
    }
}

static bool starts_character(char byte)
{
    return ((unsigned char)byte & 0xc0) != 0x80;
}

/* The place in `text` behind its first `characters`. */
static const char *skip_characters(const char *text, size_t characters)
{
    for (; *text; text++)
        if (starts_character(*text) && characters-- == 0)
            break;
    return text;
}

void dot_append_name(struct buffer *buffer, const char *text, size_t most)
{
    _cleanup_buffer_ struct buffer printable = {0};
    append_printable(&printable, text);
    buffer->failed |= printable.failed;
    const char *name = printable.length ? buffer_text(&printable) : "\"\"";
    size_t characters = 0;
    for (const char *c = name; *c; c++)
        characters += starts_character(*c);
    if (characters <= most) {
        buffer_append_text(buffer, name);
        return;
    }
    size_t head = (most - 1) / 2, tail = most - 1 - head;
    buffer_append(buffer, name, (size_t)(skip_characters(name, head) - name));
    buffer_append_text(buffer, "…");
    buffer_append_text(buffer, skip_characters(name, characters - tail));
}

/* Appends `text` with each character of `from` replaced by the word of `to` in its place. */
static void append_replaced(struct buffer *buffer, const char *text, const char *from,
                            const char *const to[])
{
    while (*text) {
        size_t run = strcspn(text, from);
        buffer_append(buffer, text, run);
        text += run;
        if (*text)
            buffer_append_text(buffer, to[strchr(from, *text++) - from]);
    }
}

void dot_append_quoted(struct buffer *buffer, const char *text)
{
    static const char *const words[] = {"\\\\", "\\\"", "&amp;"};
    _cleanup_buffer_ struct buffer printable = {0};
    append_printable(&printable, text);
    buffer->failed |= printable.failed;
    buffer_append_char(buffer, '"');
    append_replaced(buffer, buffer_text(&printable), "\\\"&", words);
    buffer_append_char(buffer, '"');
}

void dot_append_markup(struct buffer *buffer, const char *text)
{
    /* Graphviz replaces \N, \G and their like in HTML-like labels too, after the entities. */
    static const char *const words[] = {"&amp;", "&lt;", "&gt;", "&quot;", "\\\\"};
    _cleanup_buffer_ struct buffer printable = {0};
    append_printable(&printable, text);
    buffer->failed |= printable.failed;
    const char *shown = printable.length ? buffer_text(&printable) : "\"\"";
    append_replaced(buffer, shown, "&<>\"\\", words);
}

static void append_line_end(struct buffer *label)
{
    buffer_append_text(label, "<BR ALIGN=\"LEFT\"/>");
}

void dot_label_heading(struct buffer *label, enum mark mark, const char *text, size_t count)
{
    buffer_append_format(label, "<B>%s", mark_signs[mark]);
    dot_append_markup(label, text);
    buffer_append_text(label, "</B>");
    if (count > 1)
        buffer_append_format(label, " ×%zu", count);
    append_line_end(label);
}

void dot_label_line(struct buffer *label, enum mark mark, const char *text)
{
    buffer_append_format(label, mark ? "<B>%s" : "%s", mark_signs[mark]);
    dot_append_markup(label, text);
    buffer_append_text(label, mark ? "</B>" : "");
    append_line_end(label);
}

void dot_label_note(struct buffer *label, const char *text)
{
    buffer_append_text(label, "<FONT POINT-SIZE=\"9\" COLOR=\"#505050\">");
    dot_append_markup(label, text);
    buffer_append_text(label, "</FONT>");
    append_line_end(label);
}

static void append_indent(struct dot *dot)
{
    for (unsigned i = 0; i < dot->depth; i++)
        buffer_append_text(&dot->text, "  ");
}

static void append_label(struct dot *dot, const struct buffer *label)
{
    dot->text.failed |= label->failed;
    buffer_append_text(&dot->text, "label=<");
    buffer_append(&dot->text, buffer_text(label), label->length);
    buffer_append_char(&dot->text, '>');
}

void dot_begin_graph(struct dot *dot, const char *id, const struct buffer *title)
{
    buffer_append_text(&dot->text, "digraph ");
    dot_append_quoted(&dot->text, id);
    buffer_append_text(&dot->text, " {\n  graph [");
    append_label(dot, title);
    buffer_append_text(
        &dot->text,
        ",labelloc=t,labeljust=l,rankdir=LR,compound=true,nodesep=0.12,ranksep=0.55,\n"
        "    bgcolor=white,pad=0.3,fontname=\"Helvetica,Arial,sans-serif\",fontsize=12];\n"
        "  node [shape=box,style=filled,margin=\"0.10,0.05\",height=0.2,\n"
        "    fontname=\"Helvetica,Arial,sans-serif\",fontsize=11,fontcolor=\"#1a1a1a\"];\n"
        "  edge [color=\"#6a6a6a\",arrowsize=0.6,penwidth=0.8,\n"
        "    fontname=\"Helvetica,Arial,sans-serif\",fontsize=9,fontcolor=\"#404040\"];\n");
    dot->depth = 1;
}

void dot_begin_cluster(struct dot *dot, const char *id, const struct buffer *label, enum mark mark)
{
    const struct mark_look *look = &looks[mark];
    append_indent(dot);
    buffer_append_text(&dot->text, "subgraph ");
    dot_append_quoted(&dot->text, id);
    buffer_append_text(&dot->text, " {\n");
    dot->depth++;
    append_indent(dot);
    buffer_append_text(&dot->text, "graph [");
    append_label(dot, label);
    buffer_append_format(&dot->text,
                         ",style=\"filled,rounded,%s\",penwidth=%s,peripheries=%s,color=\"%s\","
                         "fillcolor=\"%s\",fontsize=11];\n",
                         look->border, look->width, look->peripheries, look->color,
                         mark ? look->fill : "#f5f5f5");
}

void dot_end(struct dot *dot)
{
    dot->depth--;
    append_indent(dot);
    buffer_append_text(&dot->text, "}\n");
}

void dot_add_node(struct dot *dot, const char *id, const struct buffer *label, enum dot_shape shape,
                  enum mark mark)
{
    const struct mark_look *look = &looks[mark];
    append_indent(dot);
    dot_append_quoted(&dot->text, id);
    buffer_append_text(&dot->text, " [");
    append_label(dot, label);
    if (shape == DOT_PLAIN)
        buffer_append_text(&dot->text, ",shape=plaintext,style=\"\"");
    else if (mark || shape == DOT_ROUNDED)
        buffer_append_format(&dot->text, ",style=\"filled%s,%s\"",
                             shape == DOT_ROUNDED ? ",rounded" : "", look->border);
    if (shape != DOT_PLAIN)
        buffer_append_format(&dot->text, ",penwidth=%s,color=\"%s\",fillcolor=\"%s\"", look->width,
                             look->color, shape == DOT_FADED && !mark ? "#dcdcdc" : look->fill);
    if (mark == MARK_CHANGED)
        buffer_append_format(&dot->text, ",peripheries=%s", look->peripheries);
    buffer_append_text(&dot->text, "];\n");
}

static void append_attribute(struct dot *dot, const char *name, const char *text)
{
    if (!text)
        return;
    buffer_append_format(&dot->text, ",%s=", name);
    dot_append_quoted(&dot->text, text);
}

void dot_add_edge(struct dot *dot, const struct dot_edge *edge)
{
    append_indent(dot);
    dot_append_quoted(&dot->text, edge->from);
    buffer_append_text(&dot->text, " -> ");
    dot_append_quoted(&dot->text, edge->to);
    buffer_append_format(&dot->text, " [%s", line_attributes[edge->line]);
    append_attribute(dot, "ltail", edge->tail);
    append_attribute(dot, "lhead", edge->head);
    append_attribute(dot, "label", edge->label);
    if (edge->mark)
        buffer_append_format(&dot->text, ",penwidth=1.6,color=\"%s\"", looks[edge->mark].color);
    buffer_append_text(&dot->text, "];\n");
}

void dot_add_legend(struct dot *dot)
{
    _cleanup_buffer_ struct buffer title = {0};
    dot_label_note(&title, "legend");
    dot_begin_cluster(dot, "cluster_legend", &title, MARK_NONE);
    char before[32] = "";
    for (enum mark mark = MARK_NONE; mark < MARK_COUNT; mark++) {
        _cleanup_buffer_ struct buffer label = {0};
        char id[32];
        snprintf(id, sizeof id, "legend_%s", looks[mark].name);
        dot_label_heading(&label, mark, looks[mark].name, 1);
        dot_add_node(dot, id, &label, DOT_BOX, mark);
        if (*before)
            dot_add_edge(dot, &(struct dot_edge){.from = before, .to = id, .line = DOT_HIDDEN});
        memcpy(before, id, sizeof before);
    }
    dot_end(dot);
}
