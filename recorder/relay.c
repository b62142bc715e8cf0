/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/relay.h"

#include "base/arena.h"
#include "base/error.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <time.h>

enum { BATCH_RECORDS = 32, BATCHES_PER_WORKER = 3, WORKERS_MOST = 8, TICK_MS = 100 };

struct batch {
    struct batch *next;
    struct arena *arena; /* of the records' text */
    unsigned count;
    struct record records[BATCH_RECORDS];
};

struct relay {
    const struct relay_work *work;
    pthread_mutex_t lock;
    pthread_cond_t filled, emptied;
    struct batch *full, **full_end; /* first in, first out */
    struct batch *empty;
    unsigned running;
    int code; /* the first error, and its message */
    char *message;
};

struct worker {
    struct relay *relay;
    unsigned number;
    struct batch *batch; /* being filled; NULL between two */
    pthread_t thread;
};

/* With the lock held, or while no other thread runs. */
static void keep_error(struct relay *relay, int code)
{
    if (relay->code)
        return;
    relay->code = code;
    relay->message = strdup(error_message());
}

static void hand_on(struct worker *worker)
{
    struct relay *relay = worker->relay;
    struct batch *batch = worker->batch;
    if (!batch)
        return;
    batch->next = NULL;
    worker->batch = NULL;
    pthread_mutex_lock(&relay->lock);
    *relay->full_end = batch;
    relay->full_end = &batch->next;
    pthread_cond_signal(&relay->filled);
    pthread_mutex_unlock(&relay->lock);
}

/* Waits for an empty batch; -ECANCELED when nobody will read it any more. */
static int take_empty(struct worker *worker)
{
    struct relay *relay = worker->relay;
    pthread_mutex_lock(&relay->lock);
    while (!relay->empty && !relay->code)
        pthread_cond_wait(&relay->emptied, &relay->lock);
    int code = relay->code;
    if (!code) {
        worker->batch = relay->empty;
        relay->empty = worker->batch->next;
    }
    pthread_mutex_unlock(&relay->lock);
    return code ? error_set(ECANCELED, "the recording was ended") : 0;
}

static int copy_record(struct batch *batch, const struct record *record)
{
    struct record *copy = &batch->records[batch->count];
    memcpy(copy, record, sizeof(*copy));
    for (unsigned i = 0; i < kinds[record->kind].column_count; i++) {
        struct value *value = &copy->values[i];
        if (value->type != VALUE_TEXT)
            continue;
        value->text = arena_copy(batch->arena, value->text, value->length);
        if (!value->text)
            return error_memory();
    }
    batch->count++;
    return 0;
}

static int worker_record(void *userdata, const struct record *record)
{
    struct worker *worker = userdata;
    int r = worker->batch ? 0 : take_empty(worker);
    if (r >= 0)
        r = copy_record(worker->batch, record);
    if (r >= 0 && worker->batch->count == BATCH_RECORDS)
        hand_on(worker);
    return r;
}

static void *worker_main(void *argument)
{
    struct worker *worker = argument;
    struct relay *relay = worker->relay;
    const struct relay_work *work = relay->work;
    const struct sink sink = {worker_record, worker};
    if (work->private_descriptors)
        unshare(CLONE_FILES); /* only faster: where it is refused the table stays shared */
    int r = work->work(work->userdata, worker->number, &sink);
    hand_on(worker);
    pthread_mutex_lock(&relay->lock);
    if (r < 0)
        keep_error(relay, r);
    relay->running--;
    pthread_cond_signal(&relay->filled);
    pthread_mutex_unlock(&relay->lock);
    return NULL;
}

/* Waits for a full batch; NULL when the time of a tick has passed, or all workers have ended. */
static struct batch *take_full(struct relay *relay, bool *ret_ended)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += TICK_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    pthread_mutex_lock(&relay->lock);
    while (!relay->full && relay->running)
        if (pthread_cond_timedwait(&relay->filled, &relay->lock, &until) == ETIMEDOUT)
            break;
    struct batch *batch = relay->full;
    if (batch) {
        relay->full = batch->next;
        if (!relay->full)
            relay->full_end = &relay->full;
    }
    *ret_ended = !batch && !relay->running;
    pthread_mutex_unlock(&relay->lock);
    return batch;
}

static int record_batch(const struct batch *batch, const struct sink *sink)
{
    int r = 0;
    for (unsigned i = 0; i < batch->count && r >= 0; i++)
        r = sink_record(sink, &batch->records[i]);
    return r;
}

static void give_back(struct relay *relay, struct batch *batch, int code)
{
    arena_reset(batch->arena);
    batch->count = 0;
    pthread_mutex_lock(&relay->lock);
    if (code < 0)
        keep_error(relay, code);
    batch->next = relay->empty;
    relay->empty = batch;
    pthread_cond_broadcast(&relay->emptied);
    pthread_mutex_unlock(&relay->lock);
}

static void drain(struct relay *relay, const struct sink *sink)
{
    bool ended = false;
    int code = 0;
    while (!ended) {
        struct batch *batch = take_full(relay, &ended);
        if (batch) {
            if (code >= 0)
                code = record_batch(batch, sink);
            give_back(relay, batch, code);
        }
        if (relay->work->tick)
            relay->work->tick(relay->work->userdata);
    }
}

static void free_batches(struct batch *batch)
{
    while (batch) {
        struct batch *next = batch->next;
        arena_free(batch->arena);
        free(batch);
        batch = next;
    }
}

static int make_batches(struct relay *relay, unsigned count)
{
    while (count--) {
        struct batch *batch = calloc(1, sizeof(*batch));
        if (!batch)
            return error_memory();
        batch->next = relay->empty;
        relay->empty = batch;
        batch->arena = arena_new();
        if (!batch->arena)
            return error_memory();
    }
    return 0;
}

static unsigned start_workers(struct relay *relay, struct worker *workers, unsigned count)
{
    unsigned started = 0;
    relay->running = count;
    while (started < count) {
        struct worker *worker = &workers[started];
        *worker = (struct worker){.relay = relay, .number = started};
        if (pthread_create(&worker->thread, NULL, worker_main, worker))
            break;
        started++;
    }
    pthread_mutex_lock(&relay->lock);
    relay->running -= count - started;
    pthread_mutex_unlock(&relay->lock);
    return started;
}

static int relay_end(struct relay *relay)
{
    free_batches(relay->empty);
    free_batches(relay->full);
    pthread_mutex_destroy(&relay->lock);
    pthread_cond_destroy(&relay->filled);
    pthread_cond_destroy(&relay->emptied);
    if (relay->code)
        error_set(-relay->code, "%s", relay->message ? relay->message : "out of memory");
    free(relay->message);
    return relay->code;
}

int relay_run(const struct relay_work *work, const struct sink *sink)
{
    struct worker workers[WORKERS_MOST];
    unsigned count = work->workers < WORKERS_MOST ? work->workers : WORKERS_MOST;
    struct relay relay = {.work = work,
                          .lock = PTHREAD_MUTEX_INITIALIZER,
                          .filled = PTHREAD_COND_INITIALIZER,
                          .emptied = PTHREAD_COND_INITIALIZER};
    relay.full_end = &relay.full;
    int r = make_batches(&relay, count * BATCHES_PER_WORKER);
    if (r < 0) {
        relay.code = r;
        return relay_end(&relay);
    }
    unsigned started = start_workers(&relay, workers, count);
    if (!started)
        keep_error(&relay, work->work(work->userdata, 0, sink));
    else
        drain(&relay, sink);
    for (unsigned i = 0; i < started; i++)
        pthread_join(workers[i].thread, NULL);
    return relay_end(&relay);
}
