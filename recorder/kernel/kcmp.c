/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/kernel/kcmp.h"

#include <errno.h>
#include <linux/kcmp.h>
#include <sys/syscall.h>
#include <unistd.h>

int kcmp_same_descriptors(pid_t one, pid_t other)
{
    long order = syscall(SYS_kcmp, one, other, KCMP_FILES, 0ul, 0ul);
    return order < 0 ? -errno : order == 0;
}
