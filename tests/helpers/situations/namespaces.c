/* SPDX-License-Identifier: Apache-2.0 */
/* Namespaces that only a thread is in, or that wait for children. */
#include "tests/helpers/child.h"
#include "tests/helpers/situation.h"

#include <sched.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

static pid_t process;
static pid_t *thread; /* told by the process, shared */

static void unshare_and_hold(void *flags)
{
    check(unshare(*(int *)flags), "cannot unshare");
    child_hold();
}

static void start_lone_thread(void *flags)
{
    *thread = thread_start(unshare_and_hold, flags);
    child_hold();
}

static void build_thread_alone(cJSON *facts, const char *type, int flags)
{
    thread = share(sizeof(*thread));
    process = child_start(0, start_lone_thread, &flags);
    fact_number(facts, "pid", (uint64_t)process);
    fact_number(facts, "tid", (uint64_t)*thread);
    fact_text(facts, "type", type);
    fact_number(facts, "namespace", namespace_of_thread(process, *thread, type));
    fact_number(facts, "process_namespace", namespace_of(process, type));
}

static void build_thread_mnt(cJSON *facts)
{
    build_thread_alone(facts, "mnt", CLONE_NEWNS);
}

static void build_thread_net(cJSON *facts)
{
    build_thread_alone(facts, "net", CLONE_NEWNET);
}

static void build_thread_uts(cJSON *facts)
{
    build_thread_alone(facts, "uts", CLONE_NEWUTS);
}

static void hold(void *unused)
{
    (void)unused;
    child_hold();
}

static void have_first_child(void *unused)
{
    (void)unused;
    check(unshare(CLONE_NEWPID), "cannot unshare the pid namespace of children");
    child_ready();
    child_await();
    pid_t child = child_start(0, hold, NULL);
    child_ready();
    child_await();
    child_end(child);
    child_hold();
}

static void build_for_children_pid(cJSON *facts)
{
    process = child_start(0, have_first_child, NULL);
    fact_number(facts, "pid", (uint64_t)process);
    fact_number(facts, "process_namespace", namespace_of(process, "pid"));
    fact_text(facts, "stage", "before");
}

static void advance_for_children_pid(int step, cJSON *facts)
{
    child_step(process);
    if (step == 1) {
        pid_t child = child_of(process);
        fact_number(facts, "child", (uint64_t)child);
        fact_number(facts, "namespace", namespace_of(child, "pid"));
    }
    fact_text(facts, "stage", step == 1 ? "during" : "after");
}

static void build_for_children_time(cJSON *facts)
{
    int flags = CLONE_NEWTIME;
    process = child_start(0, unshare_and_hold, &flags);
    fact_number(facts, "pid", (uint64_t)process);
    fact_number(facts, "process_namespace", namespace_of(process, "time"));
    fact_number(facts, "namespace", namespace_of(process, "time_for_children"));
}

const struct situation situations_namespaces[] = {
    {"thread-mnt", "a thread alone in a mount namespace", build_thread_mnt, NULL, 0},
    {"thread-net", "a thread alone in a network namespace", build_thread_net, NULL, 0},
    {"thread-uts", "a thread alone in a uts namespace", build_thread_uts, NULL, 0},
    {"for-children-pid", "a pid namespace for children: before, during, after the first child",
     build_for_children_pid, advance_for_children_pid, 2},
    {"for-children-time", "a time namespace for children alone", build_for_children_time, NULL, 0},
    {0},
};
