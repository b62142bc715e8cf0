/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration of a container of LXC: lxc.container.conf(5), and its keys of before 2.1. Incus
 * and LXD write the same for each start. */
#ifndef RECORDER_ENGINES_LXC_CONFIG_H
#define RECORDER_ENGINES_LXC_CONFIG_H

#include "recorder/engines/engine.h"

/* Sets what the file says of the container begun, and keeps it as evidence; `id` is for gaps. 0,
 * -ENOMEM, an error that ends the reading, or why the file itself cannot be read, without a
 * message. */
int lxc_config_read(struct engine_reading *reading, const char *path, const char *id);

#endif
