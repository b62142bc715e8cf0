/* SPDX-License-Identifier: Apache-2.0 */
/* How a container of systemd-nspawn was asked for: by its arguments, systemd-nspawn(1), and by its
 * settings, systemd.nspawn(5). */
#ifndef RECORDER_ENGINES_NSPAWN_CONFIG_H
#define RECORDER_ENGINES_NSPAWN_CONFIG_H

#include "recorder/engines/engine.h"
#include "recorder/engines/json.h"

struct nspawn_config {
    const char *machine, *directory, *image; /* options; borrowed from the arguments, or NULL */
    cJSON *document;                         /* what it was made of */
    cJSON *environment;                      /* NAME=VALUE; in the document */
    cJSON *command, *mounts, *capabilities, *security; /* command may be NULL */
    bool private_network, ephemeral, known;            /* known: there are arguments or settings */
    const char *settings; /* the option: whether, and how, settings are looked for; or NULL */
};

/* NULL-terminated, the program's name first. */
void nspawn_config_take_arguments(struct nspawn_config *config, const char *const *arguments);

/* Those of the first of the files that is there; of -ENOENT nobody is told. Negative errno without
 * a message. */
int nspawn_config_read_settings(struct nspawn_config *config, struct engine_reading *reading,
                                const char *name);

/* Sets the columns of the container begun, and keeps the document. */
int nspawn_config_set(struct nspawn_config *config, struct engine_reading *reading);

int nspawn_config_open(struct nspawn_config *config);
void nspawn_config_close(struct nspawn_config *config);

#endif
