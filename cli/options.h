/* SPDX-License-Identifier: Apache-2.0 */
/* Options are declared once, in tables. The parser, --help, the completion and the check of the man
 * page all follow from the rows. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum option_type {
    OPTION_FLAG,    /* bool: it was given */
    OPTION_TEXT,    /* const char *: borrowed from argv */
    OPTION_NUMBER,  /* int64_t, not negative */
    OPTION_SECONDS, /* double, not negative */
    OPTION_LIST,    /* struct option_list: words parted by commas; more than once adds to it */
    OPTION_CHOICE,  /* unsigned: the number of the word in `choices` */
};

enum { OPTION_LIST_MOST = 128 };

/* NULL-terminated; the words are copies that live until the end of the program. */
struct option_list {
    const char *words[OPTION_LIST_MOST + 1];
    size_t count;
};

struct option_row {
    const char *name; /* the long form, without its dashes */
    char letter;      /* the short form; 0 for none */
    enum option_type type;
    void *value;          /* of the type above; keeps its default when the option is not given */
    const char *argument; /* how --help calls it; NULL for flags */
    const char *help;
    const char *const *choices; /* NULL-terminated; of OPTION_CHOICE alone */
};

/* Ends a table. */
#define OPTION_END                                                                                 \
    {                                                                                              \
        .name = NULL                                                                               \
    }

/* Most commands have it. */
#define OPTION_JSON(variable)                                                                      \
    {                                                                                              \
        .name = "json", .type = OPTION_FLAG, .value = &(variable), .help = "print JSON"            \
    }

enum option_order {
    OPTIONS_FIRST,    /* stop at the first word that is no option */
    OPTIONS_ANYWHERE, /* options and other words may be mixed; "--" ends the options */
};

/* Reads the options in argv[1..] by the two tables (`own` may be NULL). Reorders argv so that the
 * other words stand at its end; `ret_first` is the number of the first of them. 0 or -ERROR_USAGE,
 * with a message that suggests what was meant. */
int options_parse(const struct option_row *common, const struct option_row *own,
                  enum option_order order, int argc, char **argv, int *ret_first);

/* The rows as lines of --help. */
void options_print(const struct option_row *rows, FILE *out);

/* Takes words parted by commas apart. 0 or a negative error. */
int option_list_add(struct option_list *list, const char *text);

#endif
