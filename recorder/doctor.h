/* SPDX-License-Identifier: Apache-2.0 */
/* What this kernel and these privileges allow. */
#ifndef RECORDER_DOCTOR_H
#define RECORDER_DOCTOR_H

#include "recorder/host.h"

struct cJSON;

/* The document of recorder_doctor(). Owned by the caller; NULL without memory. */
struct cJSON *doctor_json(const struct host *host);

#endif
