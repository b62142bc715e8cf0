/* SPDX-License-Identifier: Apache-2.0 */
/* A file that is written whole or not at all: it grows under another name beside its place and is
 * renamed at the end, so that a failure leaves the old one as it was. What is no regular file
 * (/dev/stdout, a FIFO) is written directly. */
#ifndef CLI_OUTPUT_FILE_H
#define CLI_OUTPUT_FILE_H

#include "base/cleanup.h"

#include <stdio.h>

struct output_file;

/* NULL or "-" is standard output. 0 or a negative errno. Owned by the caller. */
int output_file_open(const char *path, struct output_file **ret_file);

/* Borrowed. */
FILE *output_file_stream(struct output_file *file);

/* Everything has been written: puts it in place. 0 or a negative errno, and then nothing has
 * changed. */
int output_file_commit(struct output_file *file);

/* Removes what was not committed. */
void output_file_free(struct output_file *file);
DEFINE_CLEANUP(struct output_file *, output_file_free)
#define _cleanup_output_file_ _cleanup_(output_file_free_pointer)

#endif
