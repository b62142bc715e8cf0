/* SPDX-License-Identifier: Apache-2.0 */
/* libmount, loaded when the first mountinfo is parsed: with libblkid, libselinux and pcre2, which
 * it brings, it takes a quarter of the time that a command needs to start, and only recording
 * parses any. Without it nothing is recorded: what is mounted over /proc decides whether all else
 * can be believed. */
#ifndef RECORDER_KERNEL_LIBMOUNT_H
#define RECORDER_KERNEL_LIBMOUNT_H

#include <libmount.h>

/* The functions of libmount.h that we use; each is a member of the struct without "mnt_". */
#define MOUNT_FUNCTIONS(FUNCTION)                                                                  \
    FUNCTION(new_table)                                                                            \
    FUNCTION(unref_table)                                                                          \
    FUNCTION(table_set_parser_errcb)                                                               \
    FUNCTION(table_parse_stream)                                                                   \
    FUNCTION(table_next_fs)                                                                        \
    FUNCTION(new_iter)                                                                             \
    FUNCTION(free_iter)                                                                            \
    FUNCTION(fs_get_id)                                                                            \
    FUNCTION(fs_get_parent_id)                                                                     \
    FUNCTION(fs_get_devno)                                                                         \
    FUNCTION(fs_get_root)                                                                          \
    FUNCTION(fs_get_target)                                                                        \
    FUNCTION(fs_get_vfs_options)                                                                   \
    FUNCTION(fs_get_fs_options)                                                                    \
    FUNCTION(fs_get_optional_fields)                                                               \
    FUNCTION(fs_get_fstype)                                                                        \
    FUNCTION(fs_get_source)

struct mount_library {
#define MOUNT_MEMBER(name) __typeof__(&mnt_##name) name;
    MOUNT_FUNCTIONS(MOUNT_MEMBER)
#undef MOUNT_MEMBER
};

/* Loads it, or gives what was loaded; it stays until the end. Any thread. -ENOSYS, with its
 * message, where it cannot be loaded. */
int mount_library(const struct mount_library **ret_library);

#endif
