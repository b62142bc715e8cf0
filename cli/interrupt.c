/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/interrupt.h"

#include <signal.h>
#include <stddef.h>
#include <unistd.h>

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};

static volatile sig_atomic_t signal_that_came;
static const char *volatile file_to_remove;

static void note(int number)
{
    signal_that_came = number;
}

static void remove_and_end(int number)
{
    if (file_to_remove)
        unlink(file_to_remove);
    raise(number); /* its default action is back in place: SA_RESETHAND */
}

/* A signal that was ignored when we started (nohup, a background job) stays ignored. */
static void handle(void (*handler)(int))
{
    for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
        struct sigaction before, action = {.sa_handler = handler, .sa_flags = (int)SA_RESETHAND};
        if (sigaction(signals[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
            sigaction(signals[i], &action, NULL);
    }
}

void interrupt_note(void)
{
    handle(note);
}

bool interrupt_came(void)
{
    return signal_that_came != 0;
}

void interrupt_obey(void)
{
    if (!signal_that_came)
        return;
    signal(signal_that_came, SIG_DFL);
    raise(signal_that_came);
}

void interrupt_remove(const char *path)
{
    file_to_remove = path;
    handle(path ? remove_and_end : SIG_DFL);
}
