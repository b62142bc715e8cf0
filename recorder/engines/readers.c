/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/engines/readers.h"

#include "base/clock.h"
#include "base/error.h"
#include "recorder/engines/reading.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

enum { AT_ONCE = 8, MILLISECOND = 1000000 };

/* What a reader may have in memory, and may tell: the host's own engines may have thousands of
 * containers. */
static const struct bounds {
    uint64_t memory, told;
} of_trusted = {1ULL << 30, 512ULL << 20}, of_others = {192ULL << 20, 8ULL << 20};

/* A process of ours, and the places that it reads: one whose engine can be asked, or several that
 * have files alone. */
struct reader {
    pid_t pid; /* 0 for none */
    int pipe;
    const struct engine_found *first;
    uint32_t count;
    uint32_t done; /* places from which everything came */
    int64_t deadline;
    uint64_t told; /* bytes */
    struct buffer received;
    size_t parsed; /* bytes of it */
    int code;      /* why it was ended, negative errno */
};

struct readers {
    const struct engine_readers *work;
    struct reader list[AT_ONCE];
    const struct engine_found *next;
    int64_t deadline;
};

static const struct bounds *bounds_of(const struct engine_found *found)
{
    return found->trusted ? &of_trusted : &of_others;
}

static uint32_t milliseconds_of(const struct engine_readers *work)
{
    return work->milliseconds ? work->milliseconds : ENGINE_MILLISECONDS;
}

/* ---- within the reader ---- */

static int write_all(void *userdata, const struct buffer *message)
{
    const int *pipe = userdata;
    for (size_t written = 0; written < message->length;) {
        ssize_t n = write(*pipe, message->bytes + written, message->length - written);
        if (n < 0 && errno != EINTR)
            return error_set(errno, "the recorder listens no more");
        written += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

/* The sanitizers need terabytes of addresses. */
static void bound_memory(uint64_t bytes)
{
#if !defined(__SANITIZE_ADDRESS__) && !defined(NSLAPSE_SANITIZED)
    setrlimit(RLIMIT_DATA, &(struct rlimit){bytes, bytes});
#else
    (void)bytes;
#endif
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
}

static _Noreturn void serve(pid_t recorder, const struct reader *reader,
                            const struct engine_readers *work, int pipe)
{
    struct engine_reader task = {.known = work->known,
                                 .proc = work->host->proc,
                                 .questions_milliseconds = milliseconds_of(work) / 4 * 3,
                                 .live = work->host->live,
                                 .environment = work->environment,
                                 .write = write_all,
                                 .userdata = &pipe};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_IGN);
    if (getppid() != recorder)
        _exit(1);
    bound_memory(bounds_of(reader->first)->memory);
    for (uint32_t place = 0; place < reader->count; place++) {
        task.place = place;
        if (engine_read_place(&task, &reader->first[place]) < 0)
            _exit(1);
    }
    _exit(0);
}

/* ---- within the recorder ---- */

static bool can_be_asked(const struct engine_readers *work, const struct engine_found *found)
{
    return work->host->live && found->engine->ask && found->place.socket;
}

static bool may_share_a_reader(const struct engine_readers *work, const struct engine_found *one,
                               const struct engine_found *other)
{
    const char *of_one = one->outer ? one->outer : "", *of_other = other->outer ? other->outer : "";
    return !can_be_asked(work, one) && !can_be_asked(work, other) &&
           one->place.uid == other->place.uid && strcmp(of_one, of_other) == 0;
}

static int start_reader(struct readers *readers, struct reader *reader)
{
    const struct engine_readers *work = readers->work;
    const struct engine_found *end = work->found->list + work->found->count;
    int pipes[2];
    bool copy = !work->host->live;
    int64_t now = clock_now(CLOCK_MONOTONIC);
    *reader = (struct reader){.pipe = -1, .first = readers->next, .count = 1};
    while (readers->next + reader->count < end &&
           may_share_a_reader(work, reader->first, reader->first + reader->count))
        reader->count++;
    readers->next += reader->count;
    int64_t most = copy ? COPY_MILLISECONDS : 2 * (int64_t)milliseconds_of(work);
    reader->deadline = now + most * MILLISECOND;
    if (pipe2(pipes, O_CLOEXEC) < 0)
        return error_set(errno, "cannot make a pipe: %s", strerror(errno));
    pid_t recorder = getpid();
    reader->pipe = pipes[0];
    reader->pid = fork();
    if (reader->pid == 0)
        serve(recorder, reader, work, pipes[1]);
    int failure = errno;
    fd_close(pipes[1]);
    if (reader->pid < 0) {
        reader->pid = 0;
        reader->pipe = fd_close(reader->pipe);
        return error_set(failure, "cannot start a process to read an engine: %s",
                         strerror(failure));
    }
    fcntl(reader->pipe, F_SETFL, O_NONBLOCK);
    return 0;
}

static int take(struct readers *readers, struct reader *reader,
                const struct engine_message *message)
{
    const struct engine_readers *work = readers->work;
    if (message->place >= reader->count || message->place < reader->done)
        return -EBADMSG;
    if (message->type == MESSAGE_DONE) {
        reader->done = message->place + 1;
        return 0;
    }
    int r = work->take(work->userdata, reader->first + message->place, message);
    return r < 0 ? r : 0;
}

/* Takes the messages that have come whole. `ret_damaged` where one isn't what it should be. */
static int take_messages(struct readers *readers, struct reader *reader, bool *ret_damaged)
{
    struct buffer *received = &reader->received;
    for (;;) {
        struct engine_message message = {0};
        int64_t length = engine_message_parse(received->bytes + reader->parsed,
                                              received->length - reader->parsed, &message);
        *ret_damaged = length < 0;
        if (length <= 0)
            break;
        int r = take(readers, reader, &message);
        *ret_damaged = r == -EBADMSG;
        if (r < 0)
            return *ret_damaged ? 0 : r;
        reader->parsed += (size_t)length;
    }
    received->length -= reader->parsed;
    memmove(received->bytes, received->bytes + reader->parsed, received->length);
    reader->parsed = 0;
    return 0;
}

/* What has come up to now. `ret_ended`: no more will. */
static int receive(struct readers *readers, struct reader *reader, bool *ret_ended)
{
    enum { PIECE = 1 << 16 };
    for (unsigned pieces = 0; pieces < 64 && !*ret_ended; pieces++) {
        char *room = buffer_reserve(&reader->received, PIECE);
        if (!room)
            return error_memory();
        ssize_t n = read(reader->pipe, room, PIECE);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            break;
        *ret_ended = n <= 0;
        if (n > 0)
            buffer_commit(&reader->received, (size_t)n);
        reader->told += n > 0 ? (uint64_t)n : 0;
    }
    bool damaged = false;
    int r = reader->received.length ? take_messages(readers, reader, &damaged) : 0;
    if (damaged)
        reader->code = -EBADMSG;
    else if (reader->told > bounds_of(reader->first)->told)
        reader->code = -EFBIG;
    *ret_ended |= reader->code < 0;
    return r;
}

/* Whoever has closed its pipe ends within microseconds, as a rule. What hangs in the kernel where
 * no signal reaches is left to the system, after a second. */
static void reap(pid_t pid)
{
    enum { FIRST_PAUSE = MILLISECOND / 32, LONGEST_PAUSE = MILLISECOND * 512 };
    kill(pid, SIGKILL);
    for (long pause = FIRST_PAUSE; pause <= LONGEST_PAUSE; pause *= 2) {
        pid_t ended = waitpid(pid, NULL, WNOHANG);
        if (ended > 0 || (ended < 0 && errno != EINTR))
            return;
        nanosleep(&(struct timespec){.tv_nsec = pause}, NULL);
    }
}

static void end_process(struct reader *reader)
{
    if (reader->pid)
        reap(reader->pid);
    reader->pid = 0;
    reader->pipe = fd_close(reader->pipe);
    buffer_free(&reader->received);
}

/* Places of which not everything came are gaps. */
static int report_missing(struct readers *readers, const struct reader *reader)
{
    const char *detail = reader->code == -ETIMEDOUT ? "it took too long"
                         : reader->code == -EFBIG   ? "it tells too much"
                                                    : "reading it ended early";
    struct engine_message gap = {
        .type = MESSAGE_GAP, .code = reader->code < 0 ? -reader->code : ECHILD, .detail = detail};
    int r = 0;
    for (uint32_t place = reader->done; place < reader->count && r >= 0; place++)
        r = readers->work->take(readers->work->userdata, reader->first + place, &gap);
    return r;
}

static int end_reader(struct readers *readers, struct reader *reader)
{
    end_process(reader);
    return report_missing(readers, reader);
}

/* Starts as many as there is room for. Whoever would begin when all time is over is left out. */
static int start_readers(struct readers *readers)
{
    const struct engines_found *found = readers->work->found;
    int r = 0;
    for (unsigned i = 0; i < AT_ONCE && r >= 0; i++) {
        struct reader *reader = &readers->list[i];
        while (!reader->pid && readers->next < found->list + found->count && r >= 0) {
            int started = -ETIMEDOUT;
            if (clock_now(CLOCK_MONOTONIC) < readers->deadline)
                started = start_reader(readers, reader);
            else
                *reader = (struct reader){.pipe = -1, .first = readers->next++, .count = 1};
            if (started >= 0)
                break;
            reader->code = started;
            r = report_missing(readers, reader);
        }
    }
    return r;
}

static unsigned count_running(const struct readers *readers, int64_t *ret_deadline)
{
    unsigned running = 0;
    for (unsigned i = 0; i < AT_ONCE; i++) {
        const struct reader *reader = &readers->list[i];
        if (!reader->pid)
            continue;
        if (!running++ || reader->deadline < *ret_deadline)
            *ret_deadline = reader->deadline;
    }
    return running;
}

static int attend(struct readers *readers, struct reader *reader, bool ready)
{
    bool ended = false;
    int r = ready ? receive(readers, reader, &ended) : 0;
    if (r >= 0 && !ended && clock_now(CLOCK_MONOTONIC) >= reader->deadline) {
        ended = true;
        reader->code = -ETIMEDOUT;
    }
    return r >= 0 && ended ? end_reader(readers, reader) : r;
}

static int wait_for_readers(struct readers *readers, int64_t deadline)
{
    struct pollfd polls[AT_ONCE];
    for (unsigned i = 0; i < AT_ONCE; i++)
        polls[i] = (struct pollfd){.fd = readers->list[i].pid ? readers->list[i].pipe : -1,
                                   .events = POLLIN};
    int64_t left = deadline - clock_now(CLOCK_MONOTONIC);
    if (poll(polls, AT_ONCE, left > 0 ? (int)(left / MILLISECOND) + 1 : 0) < 0 && errno != EINTR)
        return error_set(errno, "cannot wait for the readers of engines: %s", strerror(errno));
    int r = 0;
    for (unsigned i = 0; i < AT_ONCE && r >= 0; i++)
        if (readers->list[i].pid)
            r = attend(readers, &readers->list[i], polls[i].revents != 0);
    return r;
}

int engine_readers_run(const struct engine_readers *work)
{
    struct readers readers = {.work = work, .next = work->found->list};
    int64_t most = work->host->live ? 5 * (int64_t)milliseconds_of(work) : COPY_MILLISECONDS;
    int64_t deadline = 0;
    readers.deadline = clock_now(CLOCK_MONOTONIC) + most * MILLISECOND;
    int r = work->found->count ? start_readers(&readers) : 0;
    while (r >= 0 && count_running(&readers, &deadline)) {
        r = wait_for_readers(&readers, deadline);
        if (r >= 0)
            r = start_readers(&readers);
    }
    for (unsigned i = 0; i < AT_ONCE; i++)
        end_process(&readers.list[i]);
    return r;
}
