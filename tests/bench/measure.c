/* SPDX-License-Identifier: Apache-2.0 */
/* measure COMMAND..: runs it with its output to /dev/null, and prints one line of JSON: how long it
 * took, the processor time of it and of what it has waited for, its peak memory, and its exit code.
 * A program of its own, since the peak memory of a child begins with that of who has forked it. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

static int64_t microseconds(const struct timeval *time)
{
    return time->tv_sec * INT64_C(1000000) + time->tv_usec;
}

static void run(char **command)
{
    int nothing = open("/dev/null", O_RDWR);
    if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 || dup2(nothing, STDOUT_FILENO) < 0 ||
        dup2(nothing, STDERR_FILENO) < 0)
        _exit(126);
    execvp(command[0], command);
    _exit(127);
}

int main(int count, char **words)
{
    struct rusage usage;
    int status;
    if (count < 2) {
        fputs("usage: bench-measure COMMAND..\n", stderr);
        return 2;
    }
    int64_t begin = now();
    pid_t pid = fork();
    if (pid == 0)
        run(words + 1);
    if (pid < 0 || wait4(pid, &status, 0, &usage) < 0) {
        fprintf(stderr, "bench-measure: cannot run %s: %s\n", words[1], strerror(errno));
        return 1;
    }
    printf("{\"wall_us\": %lld, \"user_us\": %lld, \"system_us\": %lld, \"peak_kb\": %ld, "
           "\"exit\": %d}\n",
           (long long)((now() - begin) / 1000), (long long)microseconds(&usage.ru_utime),
           (long long)microseconds(&usage.ru_stime), usage.ru_maxrss,
           WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    return 0;
}
