/* SPDX-License-Identifier: Apache-2.0 */
/* What a container may do, by the specification that its runtime was given (engines/oci.h). */
#ifndef RECORDER_ENGINES_OCI_PRIVILEGES_H
#define RECORDER_ENGINES_OCI_PRIVILEGES_H

#include "recorder/engines/engine.h"

/* Capabilities beyond those that engines usually give, security options, and devices. */
void oci_set_privileges(struct engine_reading *reading, const struct cJSON *spec);

#endif
