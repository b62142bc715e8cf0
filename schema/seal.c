/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/seal.h"

#include "base/buffer.h"
#include "base/error.h"

#include <string.h>

static void append_integer(struct buffer *buffer, int64_t integer)
{
    unsigned char bytes[8];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char)((uint64_t)integer >> 8 * i);
    buffer_append(buffer, bytes, sizeof(bytes));
}

/* The length, then the text; -1 for none. */
static void append_text(struct buffer *buffer, const char *text)
{
    append_integer(buffer, text ? (int64_t)strlen(text) : -1);
    if (text)
        buffer_append_text(buffer, text);
}

static void append_facts(struct buffer *buffer, const struct snapshot *snapshot)
{
    const struct snapshot_facts *facts = &snapshot->facts;
    append_text(buffer, "nslapse snapshot 1");
    append_text(buffer, snapshot->uuid);
    const char *const texts[] = {facts->host,       facts->machine_id,   facts->boot_id,
                                 facts->kernel,     facts->architecture, facts->recorder,
                                 facts->label,      facts->note,         facts->without,
                                 facts->privileges, facts->load_average};
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        append_text(buffer, texts[i]);
    const int64_t integers[] = {facts->taken_at,    facts->boottime,           facts->booted_at,
                                facts->clock_ticks, facts->clock_synchronized, facts->forks,
                                facts->duration_ns, facts->processes_ended};
    for (size_t i = 0; i < sizeof(integers) / sizeof(*integers); i++)
        append_integer(buffer, integers[i]);
    for (enum kind kind = 0; kind < KIND_COUNT; kind++)
        append_integer(buffer, snapshot->counts[kind]);
}

int seal_compute(const struct snapshot *snapshot, struct seal *seal, struct digest *ret_digest)
{
    _cleanup_buffer_ struct buffer encoding = {0};
    append_facts(&encoding, snapshot);
    buffer_append(&encoding, snapshot->predecessor_digest.bytes, DIGEST_SIZE);
    for (enum kind kind = 0; kind < KIND_COUNT; kind++)
        buffer_append(&encoding, seal->samples[kind].bytes, DIGEST_SIZE);
    if (seal->state_count)
        qsort(seal->states, seal->state_count, sizeof(*seal->states), digest_compare);
    for (size_t i = 0; i < seal->state_count; i++)
        buffer_append(&encoding, seal->states[i].bytes, DIGEST_SIZE);
    if (encoding.failed)
        return buffer_error(&encoding);
    digest_of(encoding.bytes, encoding.length, ret_digest);
    return 0;
}
