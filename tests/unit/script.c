/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/script.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { UNEXPECTED = 1, LARGE = 64 << 10 };

/* ---- within the engine ---- */

static void receive_all(int fd, char *bytes, size_t length)
{
    if (recv(fd, bytes, length, MSG_WAITALL) != (ssize_t)length)
        _exit(UNEXPECTED);
}

static void look_for(int fd, const struct script_step *step)
{
    char bytes[LARGE];
    ssize_t length = recv(fd, bytes, sizeof(bytes), MSG_PEEK);
    if (length < 0 || !memmem(bytes, (size_t)length, step->bytes, step->length))
        _exit(UNEXPECTED);
}

/* Whoever has no more to ask may go. */
static void receive_head(int fd)
{
    char last[4] = {0};
    if (recv(fd, last, 1, MSG_PEEK) == 0)
        _exit(0);
    do {
        memmove(last, last + 1, 3);
        receive_all(fd, last + 3, 1);
    } while (memcmp(last, "\r\n\r\n", 4) != 0);
}

/* RFC 9113, 4.1: length in 24 bits, type, flags, stream. Data come in frames of type 0, the last
 * one of which has flag 1; a request of ours has some. */
static void receive_call(int fd)
{
    enum { PREFACE = 24, HEADER = 9, DATA = 0, END_STREAM = 1 };
    char bytes[LARGE];
    uint8_t header[HEADER];
    receive_all(fd, bytes, PREFACE);
    do {
        receive_all(fd, (char *)header, HEADER);
        size_t length = (size_t)header[0] << 16 | (size_t)header[1] << 8 | header[2];
        if (length > sizeof(bytes))
            _exit(UNEXPECTED);
        receive_all(fd, bytes, length);
    } while (header[3] != DATA || !(header[4] & END_STREAM));
}

/* The other side may have had enough. */
static void send_all(int fd, const char *bytes, size_t length)
{
    while (length) {
        ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
        if (sent < 0)
            _exit(0);
        bytes += sent;
        length -= (size_t)sent;
    }
}

/* As many at once as a buffer holds. */
static _Noreturn void send_forever(int fd, const struct script_step *step)
{
    char bytes[LARGE];
    size_t length = 0;
    while (length + step->length <= sizeof(bytes)) {
        memcpy(bytes + length, step->bytes, step->length);
        length += step->length;
    }
    for (;;)
        send_all(fd, bytes, length);
}

static _Noreturn void drip(int fd, const struct script_step *step)
{
    for (;;) {
        send_all(fd, step->bytes, step->length);
        nanosleep(&(struct timespec){.tv_nsec = 1000 * 1000}, NULL);
    }
}

static _Noreturn void stay(int fd)
{
    char bytes[LARGE];
    while (recv(fd, bytes, sizeof(bytes), 0) > 0)
        ;
    _exit(0);
}

static void play_step(int fd, const struct script_step *step)
{
    switch (step->action) {
    case SCRIPT_END:
        shutdown(fd, SHUT_WR);
        stay(fd);
    case SCRIPT_STAY:
        stay(fd);
    case SCRIPT_RECEIVE:
        look_for(fd, step);
        return;
    case SCRIPT_RECEIVE_HEAD:
        receive_head(fd);
        return;
    case SCRIPT_RECEIVE_CALL:
        receive_call(fd);
        return;
    case SCRIPT_SEND:
        send_all(fd, step->bytes, step->length);
        return;
    case SCRIPT_SEND_FOREVER:
        send_forever(fd, step);
    case SCRIPT_DRIP:
        drip(fd, step);
    case SCRIPT_HANG:
        for (;;)
            pause();
    case SCRIPT_CLOSE:
        poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, -1);
        _exit(0);
    }
}

static _Noreturn void play(int listener, const struct script_step *steps)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int fd = accept(listener, NULL, NULL);
    close(listener);
    if (fd < 0)
        _exit(UNEXPECTED);
    for (;; steps++)
        play_step(fd, steps);
}

/* ---- within the test ---- */

static int listen_at(struct script *script)
{
    static unsigned number;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(script->path, sizeof(script->path), "/tmp/nslapse-test-%d-%u.sock", (int)getpid(),
             number++);
    strcpy(address.sun_path, script->path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    unlink(script->path);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 8), 0);
    return fd;
}

void script_start(struct script *script, const struct script_step *steps)
{
    int listener = listen_at(script);
    script->pid = fork();
    assert_true(script->pid >= 0);
    if (!script->pid)
        play(listener, steps);
    close(listener);
}

void script_end(struct script *script)
{
    int status;
    kill(script->pid, SIGTERM);
    assert_int_equal(waitpid(script->pid, &status, 0), script->pid);
    unlink(script->path);
    assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
}
