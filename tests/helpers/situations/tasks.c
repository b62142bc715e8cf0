/* SPDX-License-Identifier: Apache-2.0 */
/* Processes and threads that are unlike others. */
#include "tests/helpers/child.h"
#include "tests/helpers/situation.h"

#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { PRIORITY = 7 };

static pid_t *reported;

static void run_in_real_time(void *unused)
{
    (void)unused;
    cpu_set_t first;
    CPU_ZERO(&first);
    CPU_SET(0, &first);
    struct sched_param parameters = {.sched_priority = PRIORITY};
    check(sched_setaffinity(0, sizeof(first), &first), "cannot set the affinity");
    check(sched_setscheduler(0, SCHED_FIFO, &parameters), "cannot ask for real time");
    child_hold();
}

static void have_thread(void *role)
{
    *reported = thread_start(*(child_role *)role, NULL);
    child_hold();
}

static void build_realtime(cJSON *facts)
{
    reported = share(sizeof(*reported));
    child_role role = run_in_real_time;
    pid_t pid = child_start(0, have_thread, &role);
    fact_number(facts, "pid", (uint64_t)pid);
    fact_number(facts, "tid", (uint64_t)*reported);
    fact_text(facts, "policy", "fifo");
    fact_number(facts, "priority", PRIORITY);
    fact_text(facts, "cpu_affinity", "0");
}

static void end_at_once(void *unused)
{
    (void)unused;
    child_ready();
}

static void leave_zombie(void *unused)
{
    (void)unused;
    *reported = child_start(0, end_at_once, NULL);
    child_hold();
}

static void build_zombie(cJSON *facts)
{
    reported = share(sizeof(*reported));
    pid_t parent = child_start(0, leave_zombie, NULL);
    fact_number(facts, "parent", (uint64_t)parent);
    fact_number(facts, "pid", (uint64_t)*reported);
}

/* 15 bytes at most: what ends a comm in proc_pid_stat(5), and what a parser could take for the
 * rest. */
static const char odd_name[] = ") R 1\n[(x\\ \xff) Z";

static void have_odd_name(void *unused)
{
    (void)unused;
    check(prctl(PR_SET_NAME, odd_name), "cannot set the name");
    child_hold();
}

static void build_odd_name(cJSON *facts)
{
    pid_t pid = child_start(0, have_odd_name, NULL);
    fact_number(facts, "pid", (uint64_t)pid);
    fact_bytes(facts, "comm_hex", odd_name, strlen(odd_name));
}

static void be_chrooted(void *unused)
{
    (void)unused;
    check(chroot(scratch_folder()), "cannot chroot");
    check(chdir("/"), "cannot chdir");
    child_hold();
}

static void build_chroot(cJSON *facts)
{
    const char *folder = scratch_folder();
    pid_t pid = child_start(0, be_chrooted, NULL);
    fact_number(facts, "pid", (uint64_t)pid);
    fact_text(facts, "root", folder);
}

const struct situation situations_tasks[] = {
    {"realtime", "a thread with real-time scheduling, bound to the first processor", build_realtime,
     NULL, 0},
    {"zombie", "a process that has ended and is not waited for", build_zombie, NULL, 0},
    {"odd-name", "a process whose name has brackets, a newline and no UTF-8", build_odd_name, NULL,
     0},
    {"chroot", "a process in a plain directory as its root", build_chroot, NULL, 0},
    {0},
};
