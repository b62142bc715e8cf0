/* SPDX-License-Identifier: Apache-2.0 */
/* What this kernel offers to this process, probed once. $NSLAPSE_WITHOUT (names parted by commas)
 * refuses any of it, so that a test sees on a new kernel what happens on an old one. */
#ifndef RECORDER_KERNEL_FEATURES_H
#define RECORDER_KERNEL_FEATURES_H

#include <stdbool.h>

/* F(enumerator, name, what it serves) */
#define FEATURES(F)                                                                                \
    F(PIDFD, "pidfd", "pidfd_open(2), kernel 5.3: process descriptors")                            \
    F(PIDFS, "pidfs", "pidfs, kernel 6.9: an identity of processes that is never used again")      \
    F(PIDFD_THREAD, "pidfd_thread", "PIDFD_THREAD, kernel 6.9: the same for threads")              \
    F(PIDFD_GETFD, "pidfd_getfd",                                                                  \
      "pidfd_getfd(2), kernel 5.6: network namespaces that sockets keep")                          \
    F(KCMP, "kcmp", "kcmp(2), kernel 3.5: threads that have a table of descriptors of their own")  \
    F(NS_GET_USERNS, "NS_GET_USERNS", "nsfs ioctl, kernel 4.9: owners of namespaces")              \
    F(NS_GET_PARENT, "NS_GET_PARENT",                                                              \
      "nsfs ioctl, kernel 4.9: parents of user and pid namespaces")                                \
    F(NS_GET_OWNER_UID, "NS_GET_OWNER_UID", "nsfs ioctl, kernel 4.11: who made a user namespace")  \
    F(NS_GET_MNTNS_ID, "NS_GET_MNTNS_ID", "nsfs ioctl, kernel 6.11: ids of mount namespaces")      \
    F(NS_GET_ID, "NS_GET_ID", "nsfs ioctl, kernel 6.18: ids of all namespaces")                    \
    F(NS_MNT_GET_NEXT, "NS_MNT_GET_NEXT",                                                          \
      "nsfs ioctl, kernel 6.12: mount namespaces, whatever keeps them")                            \
    F(NSFS_HANDLE, "nsfs_handle",                                                                  \
      "open_by_handle_at(2), kernel 6.18: namespaces opened by their id")                          \
    F(LISTNS, "listns", "listns(2), kernel 6.19: all namespaces, whatever keeps them")             \
    F(LISTMOUNT, "listmount", "listmount(2), kernel 6.8: unique ids of mounts")                    \
    F(STATMOUNT, "statmount", "statmount(2), kernel 6.8: facts of a mount by its unique id")       \
    F(STATMOUNT_LINES, "statmount_lines",                                                          \
      "statmount(2), kernel 6.13: mounts of namespaces that no process is in")                     \
    F(DETACHED_PROCFS, "detached_procfs",                                                          \
      "fsmount(2), kernel 5.2: processes that a mount over /proc hides")                           \
    F(PRIVATE_DESCRIPTORS, "unshare_files",                                                        \
      "unshare(CLONE_FILES): threads that read without waiting for each other")

enum feature {
#define FEATURE_ENUMERATOR(enumerator, ...) FEATURE_##enumerator,
    FEATURES(FEATURE_ENUMERATOR)
#undef FEATURE_ENUMERATOR
        FEATURE_COUNT
};

struct feature_info {
    const char *name;
    const char *description;
};

extern const struct feature_info feature_infos[FEATURE_COUNT];

struct feature_state {
    bool available;
    bool refused; /* by $NSLAPSE_WITHOUT */
    int code;     /* why the kernel said no: positive errno, 0 where it wasn't asked */
};

struct features {
    struct feature_state states[FEATURE_COUNT];
};

/* Probes the live kernel; `proc` is the directory /proc. -ERROR_USAGE for a name in
 * $NSLAPSE_WITHOUT that is no feature. */
int features_probe(int proc, struct features *ret_features);

static inline bool features_have(const struct features *features, enum feature feature)
{
    return features->states[feature].available;
}

#endif
