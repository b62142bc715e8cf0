/* SPDX-License-Identifier: Apache-2.0 */
/* Things as they are named on the command line: pid:812, pid:7@pid:4026532201 (the process that has
 * number 7 in that pid namespace), tid:813, net:4026531840 (any type of namespace), container:web,
 * mount:/host or mount:/host@mnt:4026532177, cgroup:/system.slice or cgroup:unified:/system.slice,
 * gap:mounts:/proc/1. */
#ifndef CLI_ENTITY_H
#define CLI_ENTITY_H

#include "base/buffer.h"
#include "schema/record.h"

#include <stdbool.h>

struct entity {
    unsigned kinds;        /* bit 1 << kind: "pid:" begins a process and a pid namespace */
    const char *text;      /* the whole; borrowed */
    const char *name;      /* behind the first colon */
    const char *seen_from; /* pid:INODE, whose number it is; NULL for the recorder's */
};

/* Takes the words apart; whether the thing exists is another question. 0 or -ERROR_USAGE. */
int entity_parse(const char *text, struct entity *ret_entity);

/* Whether the record, of one of the entity's kinds, is meant. Names may be given as they were
 * captured, as text (\xHH), or as a table shows them (\n). `scratch` is overwritten. */
bool entity_matches(const struct entity *entity, const struct record *record,
                    struct buffer *scratch);

/* What the record may be called behind its prefix: a container's name, a mount's target. NULL where
 * that is a number. Borrowed. */
const char *entity_name(const struct record *record);

/* Appends how the record is written as an entity, as printable text; on a terminal, with short ids.
 */
void entity_append(struct buffer *buffer, const struct record *record);

#endif
