/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/world.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <cJSON.h>

char *scratch_database(void)
{
    const char *folder = getenv("TMPDIR");
    char *path = malloc(4096);
    assert_non_null(path);
    snprintf(path, 4000, "%s/nslapse-test-XXXXXX", folder ? folder : "/tmp");
    assert_non_null(mkdtemp(path));
    return strcat(path, "/world.db");
}

void scratch_remove(char *path)
{
    char companion[4200];
    static const char *const endings[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < sizeof(endings) / sizeof(*endings); i++) {
        snprintf(companion, sizeof(companion), "%s%s", path, endings[i]);
        unlink(companion);
    }
    *strrchr(path, '/') = '\0';
    rmdir(path);
    free(path);
}

void world_begin(struct world *world, uint64_t seed)
{
    *world = (struct world){.random = seed * 2 + 1};
    world->facts = (struct snapshot_facts){
        .host = "testhost",
        .machine_id = "0123456789abcdef0123456789abcdef",
        .boot_id = "11111111-2222-3333-4444-555555555555",
        .kernel = "6.18.0-test",
        .architecture = "x86_64",
        .recorder = "nslapse test",
        .without = "[]",
        .privileges = "{\"uid\":0}",
        .taken_at = INT64_C(1788256800) * NSEC_PER_SEC,
        .boottime = INT64_C(1000) * NSEC_PER_SEC,
        .booted_at = INT64_C(1788255800) * NSEC_PER_SEC,
        .clock_ticks = 100,
        .clock_synchronized = 1,
        .load_average = "0.00 0.00 0.00 1/100 1000",
        .forks = 1000,
        .duration_ns = 12345678,
        .processes_ended = 0,
    };
}

void world_end(struct world *world)
{
    for (size_t i = 0; i < world->count; i++)
        free(world->records[i]);
    free(world->records);
    *world = (struct world){0};
}

/* xorshift64*, Vigna 2016 */
uint64_t world_random(struct world *world, uint64_t below)
{
    world->random ^= world->random >> 12;
    world->random ^= world->random << 25;
    world->random ^= world->random >> 27;
    return (world->random * UINT64_C(0x2545F4914F6CDD1D) >> 11) % below;
}

struct record *world_add(struct world *world, const struct record *record)
{
    if (world->count == world->capacity) {
        world->capacity = world->capacity ? world->capacity * 2 : 64;
        world->records = reallocarray(world->records, world->capacity, sizeof(*world->records));
        assert_non_null(world->records);
    }
    struct record *copy = record_copy(record);
    assert_non_null(copy);
    return world->records[world->count++] = copy;
}

void world_remove(struct world *world, size_t index)
{
    free(world->records[index]);
    world->records[index] = world->records[--world->count];
}

/* Few distinct texts, so that they repeat; some of them odd. */
static void random_text(struct world *world, const struct column *column, char text[static 64])
{
    static const char *const odd[] = {"",           "a b",    "line\nbreak", "\\xFF",
                                      "\"quoted\"", "ümlaut", "<&>"};
    unsigned number = (unsigned)world_random(world, 20);
    if (column->type == TYPE_JSON)
        snprintf(text, 64, "[%u,\"%s\"]", number, number % 2 ? "x" : "y");
    else if (number < sizeof(odd) / sizeof(*odd))
        snprintf(text, 64, "%s", odd[number]);
    else
        snprintf(text, 64, "%.40s %u", column->name, number);
}

/* What a gap hides would make changes unobserved, and some columns name evidence that must be
 * there; tests of these set them themselves. */
static bool stays_null(enum kind kind, unsigned column)
{
    return (kind == KIND_GAP && column == GAP_HIDES) ||
           (kind == KIND_PROCESS && column == PROCESS_ENVIRONMENT) ||
           (kind == KIND_CONTAINER && column == CONTAINER_EVIDENCE);
}

static bool is_stored(const struct column *column)
{
    return column->class == IDENTITY || column->class == STATE || column->class == SAMPLE;
}

/* Sets one column, sometimes to null unless it is part of the key. `texts` keeps what it points to.
 */
static void set_random(struct world *world, struct record *record, unsigned column,
                       char texts[static COLUMNS_MOST][64])
{
    const struct column *info = &kinds[record->kind].columns[column];
    bool is_key = info->flags & KEY;
    record->values[column] = (struct value){0};
    bool says_nothing = info->flags & OPTIONAL; /* null does, so no difference has it */
    if (!is_key && !says_nothing && world_random(world, 8) == 0)
        return;
    if (info->type == TYPE_TEXT || info->type == TYPE_JSON) {
        random_text(world, info, texts[column]);
        if (is_key)
            snprintf(texts[column], 64, "key-%llu",
                     (unsigned long long)world_random(world, UINT64_C(1) << 50));
        record_set_text(record, column, texts[column]);
    } else if (info->type == TYPE_BOOLEAN) {
        record_set_integer(record, column, (int64_t)world_random(world, 2));
    } else {
        uint64_t most = is_key || info->flags & STRONG ? UINT64_C(1) << 50 : 1000;
        record_set_integer(record, column, (int64_t)world_random(world, most));
    }
}

struct record *world_add_random(struct world *world, enum kind kind)
{
    char texts[COLUMNS_MOST][64];
    struct record record;
    record_begin(&record, kind);
    for (unsigned column = 0; column < kinds[kind].column_count; column++)
        if (is_stored(&kinds[kind].columns[column]) && !stays_null(kind, column))
            set_random(world, &record, column, texts);
    return world_add(world, &record);
}

/* Gives a few state and sample columns other values. Weak columns stay where nothing else tells. */
static void alter(struct world *world, size_t index)
{
    char texts[COLUMNS_MOST][64];
    struct record *old = world->records[index];
    const struct kind_info *kind = &kinds[old->kind];
    int strong = column_by_flags(old->kind, STRONG);
    bool by_strong = strong >= 0 && record_has(old, (unsigned)strong);
    for (unsigned column = 0; column < kind->column_count; column++) {
        const struct column *info = &kind->columns[column];
        bool fixed = (info->flags & WEAK && !by_strong) || stays_null(old->kind, column);
        if ((info->class == STATE || info->class == SAMPLE) && !fixed &&
            world_random(world, 5) == 0)
            set_random(world, old, column, texts);
    }
    world->records[index] = record_copy(old);
    assert_non_null(world->records[index]);
    free(old);
}

void world_alter(struct world *world)
{
    for (size_t index = 0; index < world->count;)
        switch (world_random(world, 12)) {
        case 0:
            world_remove(world, index);
            break;
        case 1:
        case 2:
            alter(world, index++);
            break;
        default:
            index++;
        }
    for (uint64_t more = world_random(world, 8); more > 0; more--)
        world_add_random(world, (enum kind)world_random(world, KIND_COUNT));
    world->facts.taken_at += 60 * NSEC_PER_SEC;
    world->facts.boottime += 60 * NSEC_PER_SEC;
}

void must(int result)
{
    if (result < 0)
        fail_msg("%s", error_message());
}

struct snapshot *world_record(struct world *world, struct database *database)
{
    _cleanup_writer_ struct writer *writer = NULL;
    struct snapshot *snapshot = NULL;
    must(writer_begin(database, &world->facts, &writer));
    for (size_t i = 0; i < world->count; i++)
        must(sink_record(writer_sink(writer), world->records[i]));
    must(writer_commit(writer, &world->facts, &snapshot));
    return snapshot;
}

/* One line; columns that are not stored are left out, as nothing of them is in a world. */
static char *record_line(const struct record *record, bool samples)
{
    const struct kind_info *kind = &kinds[record->kind];
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "kind", kind->name);
    for (unsigned column = 0; column < kind->column_count; column++)
        if (is_stored(&kind->columns[column]) && (samples || kind->columns[column].class != SAMPLE))
            cJSON_AddItemToObject(object, kind->columns[column].name,
                                  record_value_json(record, column));
    char *line = cJSON_PrintUnformatted(object);
    cJSON_Delete(object);
    assert_non_null(line);
    return line;
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Joins and releases the lines. */
static char *sorted_text(char **lines, size_t count)
{
    _cleanup_buffer_ struct buffer text = {0};
    if (count)
        qsort(lines, count, sizeof(*lines), compare_lines);
    for (size_t i = 0; i < count; i++) {
        buffer_append_format(&text, "%s\n", lines[i]);
        free(lines[i]);
    }
    free(lines);
    buffer_append_char(&text, '\n');
    assert_false(text.failed);
    return steal_pointer(text.bytes);
}

char *world_text(const struct world *world)
{
    char **lines = calloc(world->count + 1, sizeof(*lines));
    assert_non_null(lines);
    for (size_t i = 0; i < world->count; i++)
        lines[i] = record_line(world->records[i], true);
    return sorted_text(lines, world->count);
}

char *snapshot_text(struct database *database, const struct snapshot *snapshot, bool samples)
{
    size_t count = 0, capacity = 0;
    char **lines = NULL;
    for (enum kind kind = 0; kind < KIND_COUNT; kind++) {
        _cleanup_cursor_ struct cursor *cursor = NULL;
        const struct record *record;
        assert_int_equal(cursor_open(database, snapshot, kind, &cursor), 0);
        while (cursor_next(cursor, &record) > 0) {
            if (count == capacity) {
                capacity = capacity ? capacity * 2 : 64;
                lines = reallocarray(lines, capacity, sizeof(*lines));
                assert_non_null(lines);
            }
            lines[count++] = record_line(record, samples);
        }
    }
    return sorted_text(lines, count);
}

void assert_same_lines(const char *actual, const char *expected)
{
    while (*actual || *expected) {
        int a = (int)strcspn(actual, "\n"), e = (int)strcspn(expected, "\n");
        if (a != e || strncmp(actual, expected, (size_t)a) != 0)
            fail_msg("\nis:        %.*s\nshould be: %.*s", a, actual, e, expected);
        actual += a + (actual[a] != '\0');
        expected += e + (expected[e] != '\0');
    }
}
