/* SPDX-License-Identifier: Apache-2.0 */
/* Which processes run the program of an engine, by their command names. */
#ifndef RECORDER_ENGINES_PROGRAMS_H
#define RECORDER_ENGINES_PROGRAMS_H

#include "recorder/capture.h"
#include "recorder/engines/engine.h"

bool engine_has_program(const struct engine *engine, const char *command_name);

/* Those of the list that have the name of any engine's program, in ascending order; a process that
 * has ended isn't one. 0, or an error. */
int engine_programs_find(const struct capture *capture, const struct number_list *processes,
                         struct number_list *ret_programs);

#endif
