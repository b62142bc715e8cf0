/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options.h"

#include "base/buffer.h"
#include "base/error.h"
#include "cli/suggestion.h"

#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* getopt_long() gives rows back by number; those lie above every letter. */
enum { ROWS_MOST = 64, ROW_NUMBER = 1000 };

struct parser {
    const struct option_row *rows[ROWS_MOST];
    size_t count;
    struct option longs[ROWS_MOST + 1];
    struct buffer letters;
};

static void parser_end(struct parser *parser)
{
    buffer_free(&parser->letters);
}

static void add_rows(struct parser *parser, const struct option_row *rows)
{
    for (; rows && rows->name && parser->count < ROWS_MOST; rows++) {
        bool argument = rows->type != OPTION_FLAG;
        parser->longs[parser->count] = (struct option){
            .name = rows->name,
            .has_arg = argument ? required_argument : no_argument,
            .val = ROW_NUMBER + (int)parser->count,
        };
        parser->rows[parser->count++] = rows;
        if (rows->letter)
            buffer_append_format(&parser->letters, "%c%s", rows->letter, argument ? ":" : "");
    }
}

/* The row of a value that getopt_long() returned, NULL if there is none. */
static const struct option_row *find_row(const struct parser *parser, int value)
{
    if (value >= ROW_NUMBER)
        return parser->rows[value - ROW_NUMBER];
    for (size_t i = 0; i < parser->count; i++) {
        if (value && parser->rows[i]->letter == value)
            return parser->rows[i];
    }
    return NULL;
}

int option_list_add(struct option_list *list, const char *text)
{
    while (*text) {
        size_t length = strcspn(text, ",");
        if (length && list->count == OPTION_LIST_MOST)
            return error_set(ERROR_USAGE, "a list of more than %d words: '%s'", OPTION_LIST_MOST,
                             text);
        if (length) {
            char *word = strndup(text, length);
            if (!word)
                return error_memory();
            list->words[list->count++] = word;
        }
        text += length + (text[length] == ',');
    }
    return 0;
}

static int set_choice(const struct option_row *row, const char *text)
{
    struct suggestion suggestion = {.word = text};
    _cleanup_buffer_ struct buffer words = {0};
    for (unsigned i = 0; row->choices[i]; i++) {
        if (strcmp(row->choices[i], text) == 0) {
            *(unsigned *)row->value = i;
            return 0;
        }
        suggestion_consider(&suggestion, row->choices[i]);
        buffer_append_format(&words, "%s%s", i ? ", " : "", row->choices[i]);
    }
    return error_set(ERROR_USAGE, "option --%s takes %s, not '%s'" SUGGESTION_FORMAT, row->name,
                     buffer_text(&words), text, SUGGESTION_ARGUMENTS(suggestion));
}

static int set_number(const struct option_row *row, const char *text)
{
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (errno || end == text || *end || number < 0)
        return error_set(ERROR_USAGE, "option --%s wants a whole number from 0 on, not '%s'",
                         row->name, text);
    *(int64_t *)row->value = number;
    return 0;
}

static int set_seconds(const struct option_row *row, const char *text)
{
    char *end;
    double seconds = strtod(text, &end);
    if (end == text || *end || !isfinite(seconds) || seconds < 0)
        return error_set(ERROR_USAGE, "option --%s wants seconds, such as 30 or 0.5, not '%s'",
                         row->name, text);
    *(double *)row->value = seconds;
    return 0;
}

static int set_value(const struct option_row *row, const char *text)
{
    switch (row->type) {
    case OPTION_FLAG:
        *(bool *)row->value = true;
        return 0;
    case OPTION_TEXT:
        *(const char **)row->value = text;
        return 0;
    case OPTION_NUMBER:
        return set_number(row, text);
    case OPTION_SECONDS:
        return set_seconds(row, text);
    case OPTION_LIST:
        return option_list_add(row->value, text);
    case OPTION_CHOICE:
        return set_choice(row, text);
    }
    return error_set(EINVAL, "option --%s has no known type", row->name);
}

/* How many of the long options begin with `word`: more than one makes an abbreviation ambiguous. */
static size_t count_beginning(const struct parser *parser, const char *word, struct buffer *names)
{
    size_t count = 0;
    for (size_t i = 0; i < parser->count; i++) {
        if (strncmp(parser->rows[i]->name, word, strlen(word)) == 0)
            buffer_append_format(names, "%s--%s", count++ ? ", " : "", parser->rows[i]->name);
    }
    return count;
}

static int unknown_long(const struct parser *parser, const char *argument)
{
    _cleanup_free_ char *word = strndup(argument + 2, strcspn(argument + 2, "="));
    if (!word)
        return error_memory();
    _cleanup_buffer_ struct buffer names = {0};
    if (count_beginning(parser, word, &names) > 1)
        return error_set(ERROR_USAGE, "option --%s may be any of %s: write more of it", word,
                         buffer_text(&names));
    struct suggestion suggestion = {.word = word};
    for (size_t i = 0; i < parser->count; i++)
        suggestion_consider(&suggestion, parser->rows[i]->name);
    if (!suggestion.closest)
        return error_set(ERROR_USAGE, "unknown option --%s; --help lists what there is", word);
    return error_set(ERROR_USAGE, "unknown option --%s; did you mean '--%s'?", word,
                     suggestion.closest);
}

static int misuse(const struct parser *parser, int answer, const char *argument)
{
    const struct option_row *row = find_row(parser, optopt);
    if (answer == ':' && row)
        return error_set(ERROR_USAGE, "option --%s wants its %s", row->name, row->argument);
    if (row)
        return error_set(ERROR_USAGE, "option --%s takes no value", row->name);
    if (optopt)
        return error_set(ERROR_USAGE, "unknown option -%c; --help lists what there is", optopt);
    return unknown_long(parser, argument);
}

int options_parse(const struct option_row *common, const struct option_row *own,
                  enum option_order order, int argc, char **argv, int *ret_first)
{
    _cleanup_(parser_end) struct parser parser = {.count = 0};
    buffer_append_text(&parser.letters, order == OPTIONS_FIRST ? "+:" : ":");
    add_rows(&parser, own);
    add_rows(&parser, common);
    int r = buffer_error(&parser.letters);
    if (r < 0)
        return r;
    opterr = 0;
    optind = 0; /* 0, not 1: glibc starts anew */
    int answer;
    const char *letters = buffer_text(&parser.letters);
    while ((answer = getopt_long(argc, argv, letters, parser.longs, NULL)) != -1) {
        const struct option_row *row =
            answer == '?' || answer == ':' ? NULL : find_row(&parser, answer);
        if (!row)
            return misuse(&parser, answer, argv[optind - 1]);
        r = set_value(row, optarg);
        if (r < 0)
            return r;
    }
    *ret_first = optind;
    return 0;
}

void options_print(const struct option_row *rows, FILE *out)
{
    enum { COLUMN = 26 };
    for (; rows->name; rows++) {
        _cleanup_buffer_ struct buffer left = {0};
        if (rows->letter)
            buffer_append_format(&left, "-%c, ", rows->letter);
        else
            buffer_append_text(&left, "    ");
        buffer_append_format(&left, "--%s", rows->name);
        if (rows->argument)
            buffer_append_format(&left, " %s", rows->argument);
        if (left.length > COLUMN - 2)
            fprintf(out, "  %s\n  %*s%s\n", buffer_text(&left), COLUMN, "", rows->help);
        else
            fprintf(out, "  %-*s%s\n", COLUMN, buffer_text(&left), rows->help);
    }
}
