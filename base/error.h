/* SPDX-License-Identifier: Apache-2.0 */
/* Errors are negative numbers: a negative errno, or the negative of one of `enum error` where errno
 * has no word for it. The message (what was tried, on what, why it failed, what to do) is built
 * where the fact is known, kept per thread, and printed by cli/ alone. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

/* Above every errno. */
enum error {
    ERROR_FIRST = 4096,
    ERROR_USAGE,          /* the caller asked for something that does not exist */
    ERROR_NO_DATABASE,    /* no such database file */
    ERROR_LOCKED,         /* another writer holds the database */
    ERROR_NOT_A_DATABASE, /* not an nslapse database, damaged, or of a newer version */
    ERROR_NO_SNAPSHOT,    /* the revision names no snapshot */
    ERROR_SYNTAX,         /* foreign bytes that do not follow their format */
};

/* Keeps the message for this thread, replacing an earlier one, and returns -code. `code` is an
 * errno or an enum error, positive. */
int error_set(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The last message of this thread; never NULL, valid until the next error_set() of this thread. */
const char *error_message(void);

/* Words for a code as error_set() returned it (negative): strerror's, or our own. Borrowed. */
const char *error_name(int code);

/* error_set() for an allocation that failed. */
int error_memory(void);

#endif
