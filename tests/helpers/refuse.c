/* SPDX-License-Identifier: Apache-2.0 */
/* refuse COMMAND [ARGUMENT..]: runs a command for which the newer interfaces of the kernel are not
 * there, answering as an older kernel does: ENOSYS for a system call, ENOTTY for an ioctl. The
 * filter (seccomp(2)) holds for everything that the command starts.
 *
 * What it cannot take away: fields of statx(2) and of /proc, and file handles of nsfs. */
#include <errno.h>
#include <error.h>
#include <linux/ioctl.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

/* The numbers are the same on every architecture (since 5.1). */
static const int refused_calls[] = {
    430, /* fsopen, 5.2 */
    431, /* fsconfig */
    432, /* fsmount */
    434, /* pidfd_open, 5.3 */
    436, /* close_range, 5.9 */
    437, /* openat2, 5.6 */
    438, /* pidfd_getfd, 5.6 */
    457, /* statmount, 6.8 */
    458, /* listmount, 6.8 */
    470, /* listns, 6.19 */
};

/* linux/nsfs.h; struct mnt_ns_info has 16 bytes. */
static const uint32_t refused_ioctls[] = {
    _IOR(0xb7, 5, uint64_t),     /* NS_GET_MNTNS_ID, 6.11 */
    _IOR(0xb7, 6, int),          /* NS_GET_PID_FROM_PIDNS, 6.11 */
    _IOR(0xb7, 7, int),          /* NS_GET_TGID_FROM_PIDNS */
    _IOR(0xb7, 8, int),          /* NS_GET_PID_IN_PIDNS */
    _IOR(0xb7, 9, int),          /* NS_GET_TGID_IN_PIDNS */
    _IOR(0xb7, 10, uint64_t[2]), /* NS_MNT_GET_INFO, 6.12 */
    _IOR(0xb7, 11, uint64_t[2]), /* NS_MNT_GET_NEXT */
    _IOR(0xb7, 12, uint64_t[2]), /* NS_MNT_GET_PREV */
    _IOR(0xb7, 13, uint64_t),    /* NS_GET_ID, 6.18 */
};

static void check(int result, const char *what)
{
    if (result < 0)
        error(1, -result, "refuse: %s", what);
}

static void load_filter(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    if (!filter)
        error(1, ENOMEM, "refuse: cannot make a filter");
    for (size_t i = 0; i < sizeof(refused_calls) / sizeof(*refused_calls); i++)
        check(seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), refused_calls[i], 0),
              "cannot refuse a system call");
    /* The kernel looks at the lower 32 bits of an ioctl's number alone. */
    for (size_t i = 0; i < sizeof(refused_ioctls) / sizeof(*refused_ioctls); i++)
        check(seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOTTY), SCMP_SYS(ioctl), 1,
                               SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX, refused_ioctls[i])),
              "cannot refuse an ioctl");
    /* With privileges the filter does without no_new_privs, which would show in what is recorded.
     */
    check(seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0), "cannot set up the filter");
    if (seccomp_load(filter) < 0) {
        check(seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 1), "cannot set up the filter");
        check(seccomp_load(filter), "cannot load the filter");
    }
    seccomp_release(filter);
}

int main(int argc, char **argv)
{
    if (argc < 2)
        error(2, 0, "usage: refuse COMMAND [ARGUMENT..]");
    load_filter();
    execvp(argv[1], argv + 1);
    error(127, errno, "refuse: cannot run %s", argv[1]);
}
