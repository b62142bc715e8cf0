/* SPDX-License-Identifier: Apache-2.0 */
/* Processes that come, go or change all the time while they are looked at. */
#include "tests/helpers/child.h"
#include "tests/helpers/situation.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { GENERATION = 8 };

static void fork_and_end(void *unused)
{
    (void)unused;
    child_ready();
    for (;;) {
        for (int i = 0; i < GENERATION; i++)
            if (fork() == 0)
                _exit(0);
        for (int i = 0; i < GENERATION; i++)
            wait(NULL);
    }
}

static void build_fork_storm(cJSON *facts)
{
    fact_number(facts, "pid", (uint64_t)child_start(0, fork_and_end, NULL));
}

/* A shell that becomes itself for ever. */
static void execute_again(void *unused)
{
    (void)unused;
    static const char again[] = "exec /bin/sh -c \"$0\" \"$0\"";
    child_ready();
    execl("/bin/sh", "sh", "-c", again, again, (char *)NULL);
    fail("cannot execute /bin/sh");
}

static void build_exec_storm(cJSON *facts)
{
    fact_number(facts, "pid", (uint64_t)child_start(0, execute_again, NULL));
}

const struct situation situations_storms[] = {
    {"fork-storm", "a process that makes short-lived children all the time", build_fork_storm, NULL,
     0},
    {"exec-storm", "a process that executes another program all the time", build_exec_storm, NULL,
     0},
    {0},
};
