/* SPDX-License-Identifier: Apache-2.0 */
/* Containers: what their engines tell, before the processes are read, so that each of those can say
 * which container it is in; and their records, behind the processes, which show the containers that
 * no engine tells of. */
#ifndef RECORDER_CONTAINERS_H
#define RECORDER_CONTAINERS_H

#include "recorder/capture.h"

/* Finds the engines, reads them, and fills capture->containers. What cannot be read becomes a gap.
 * The recorder must have no other thread meanwhile. 0, or an error of the sink or of memory. */
int containers_open(struct capture *capture);

/* Of a copied disk, `root`: -ENOENT, with a message, where no engine has left any files either. */
int containers_expect_files(const struct host *host, const char *root);

#endif
