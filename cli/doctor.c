/* SPDX-License-Identifier: Apache-2.0 */
/* nslapse doctor: what this kernel and these privileges allow. */
#include "base/error.h"
#include "cli/cell.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/settings.h"
#include "cli/table.h"
#include "recorder/recorder.h"

#include <cjson/cJSON.h>

static struct {
    const char *fixture;
    bool json;
} arguments;

static const struct option_row options[] = {
    {.name = "capture-fixture",
     .type = OPTION_TEXT,
     .value = &arguments.fixture,
     .argument = "DIR",
     .help = "copy what record reads into the new folder DIR, for --root"},
    OPTION_JSON(arguments.json),
    OPTION_END,
};

static int set_member(struct libscols_line *row, size_t number, const cJSON *object,
                      const char *name)
{
    _cleanup_buffer_ struct buffer text = {0};
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(object, name);
    if (member)
        cell_append_json(&text, member);
    else
        buffer_append_char(&text, '-');
    int r = buffer_error(&text);
    return r < 0 ? r : table_set_printable(row, number, buffer_text(&text));
}

/* A table with a column for each of `names`, and a row for each object of the array. */
static int print_objects(const cJSON *array, const char *const names[])
{
    _cleanup_table_ struct table *table = NULL;
    int r = table_new(&table);
    for (size_t i = 0; r >= 0 && names[i]; i++)
        r = table_add_column(table, names[i], names[i + 1] ? 0 : TABLE_WRAP);
    const cJSON *object;
    cJSON_ArrayForEach (object, array) {
        struct libscols_line *row = r >= 0 ? table_add_row(table, NULL) : NULL;
        if (r >= 0 && !row)
            r = error_memory();
        for (size_t i = 0; r >= 0 && names[i]; i++)
            r = set_member(row, i, object, names[i]);
    }
    return r < 0 ? r : table_print(table);
}

/* "name: value" for every member that is neither a table nor absent. */
static void print_members(const cJSON *object, const char *indent)
{
    const cJSON *member;
    cJSON_ArrayForEach (member, object) {
        _cleanup_buffer_ struct buffer text = {0};
        if (cJSON_IsArray(member) && cJSON_IsObject(member->child))
            continue;
        printf("%s%s:", indent, member->string);
        if (cJSON_IsObject(member)) {
            putchar('\n');
            print_members(member, "  ");
            continue;
        }
        cell_append_json(&text, member);
        printf(" %s\n", buffer_text(&text));
    }
}

static int print_text(const cJSON *doctor)
{
    print_members(doctor, "");
    putchar('\n');
    int r = print_objects(cJSON_GetObjectItemCaseSensitive(doctor, "features"),
                          (const char *const[]){"name", "available", "refused", "detail", NULL});
    if (r < 0)
        return r;
    putchar('\n');
    return print_objects(cJSON_GetObjectItemCaseSensitive(doctor, "facts"),
                         (const char *const[]){"fact", "source", NULL});
}

static int print_doctor(const struct recorder *recorder)
{
    cJSON *doctor = recorder_doctor(recorder);
    if (!doctor || arguments.json)
        return output_json_line(stdout, doctor);
    int r = print_text(doctor);
    cJSON_Delete(doctor);
    return r;
}

static int run(int count, char **words)
{
    (void)count, (void)words;
    struct recorder_options recorder_options = {.root = settings.root};
    _cleanup_recorder_ struct recorder *recorder = NULL;
    int r = recorder_open(&recorder_options, &recorder);
    if (r < 0)
        return r;
    if (!arguments.fixture)
        return print_doctor(recorder);
    r = recorder_capture_fixture(recorder, arguments.fixture);
    if (r >= 0 && !settings.quiet)
        output_message("copied the host to %s; 'nslapse record --root %s' reads it",
                       arguments.fixture, arguments.fixture);
    return r;
}

const struct command command_doctor = {
    .name = "doctor",
    .arguments = "[--capture-fixture DIR] [--json]",
    .summary = "show what this kernel and these privileges allow",
    .details = "For each fact it names the source that will serve it.\n",
    .examples = "  nslapse doctor\n"
                "  nslapse doctor --capture-fixture /tmp/host   a host to be looked at elsewhere\n",
    .options = options,
    .run = run,
};
