/* SPDX-License-Identifier: Apache-2.0 */
/* The processes and threads that a situation is made of. Each process is killed when the one that
 * started it ends, so that nothing outlives the program, however it ends. Whatever goes wrong ends
 * the program with a message: exit 1, or 77 where this kernel or these privileges don't allow it.
 */
#ifndef TESTS_HELPERS_CHILD_H
#define TESTS_HELPERS_CHILD_H

#include <stddef.h>
#include <sys/types.h>

/* Ends the program, with errno in the message where it is set. */
_Noreturn void fail(const char *what);

/* `result`, unless it is negative: then fail(). */
int check(int result, const char *what);

/* What a new process or thread does. It calls child_ready() or child_hold() once it is as wanted.
 */
typedef void (*child_role)(void *argument);

/* Starts a process in new `namespaces` (CLONE_NEW*, 0 for none) and returns its PID when it is
 * ready. */
pid_t child_start(int namespaces, child_role role, void *argument);

/* The same with a PID of one's choice (clone3(2), set_tid); -1 with errno EEXIST while it is in
 * use. */
pid_t child_start_as(pid_t pid, child_role role, void *argument);

/* Starts a thread and returns its thread id when it is ready. */
pid_t thread_start(child_role role, void *argument);

/* Tells the starter to go on. */
void child_ready(void);

/* Waits for the starter's child_step(); the process ends when the starter does. */
void child_await(void);

/* Lets a child that waits in child_await() go on, until its next child_ready(). */
void child_step(pid_t pid);

/* Ready, and nothing more until the end. */
_Noreturn void child_hold(void);

/* Kills the process and waits for its end. */
void child_end(pid_t pid);

/* Ends what this process started. */
void child_end_all(void);

/* The PID of the first child of `pid`, proc_pid_children(5). */
pid_t child_of(pid_t pid);

/* `size` bytes, zeroed, that this process and its future children share. Never released. */
void *share(size_t size);

#endif
