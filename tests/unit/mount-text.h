/* SPDX-License-Identifier: Apache-2.0 */
/* What a parser of mountinfo says of a line, as text: to hold one against another. */
#ifndef TESTS_UNIT_MOUNT_TEXT_H
#define TESTS_UNIT_MOUNT_TEXT_H

#include "base/buffer.h"
#include "recorder/kernel/mountinfo.h"

/* For mountinfo_parse() and its like; `userdata` is a struct buffer. */
static inline int append_mount(void *userdata, const struct mountinfo_mount *mount)
{
    buffer_append_format(userdata, "%lld|%lld|%u:%u|%s|%s|%s|%s|%s|%s|%lld,%lld,%lld,%d\n",
                         (long long)mount->id, (long long)mount->parent, mount->device_major,
                         mount->device_minor, mount->root, mount->target, mount->options,
                         mount->fstype, mount->source, mount->super_options,
                         (long long)mount->shared, (long long)mount->master,
                         (long long)mount->propagate_from, mount->unbindable);
    return 0;
}

#endif
