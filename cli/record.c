/* SPDX-License-Identifier: Apache-2.0 */
/* nslapse record: one snapshot of the host into the database. */
#include "base/clock.h"
#include "base/error.h"
#include "cli/commands.h"
#include "cli/gaps.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/revision.h"
#include "cli/settings.h"
#include "recorder/recorder.h"
#include "schema/reader.h"
#include "schema/writer.h"

#include <string.h>

static struct {
    const char *label, *note;
    struct option_list without, with;
    double engine_seconds;
    bool json, strict;
} arguments = {.engine_seconds = 2};

static const struct option_row options[] = {
    {.name = "label",
     .type = OPTION_TEXT,
     .value = &arguments.label,
     .argument = "TEXT",
     .help = "a name for the snapshot, to be used as REV"},
    {.name = "note",
     .type = OPTION_TEXT,
     .value = &arguments.note,
     .argument = "TEXT",
     .help = "a remark, shown by log"},
    {.name = "without",
     .type = OPTION_LIST,
     .value = &arguments.without,
     .argument = "SOURCE[,..]",
     .help = "sources to leave out"},
    {.name = "with",
     .type = OPTION_LIST,
     .value = &arguments.with,
     .argument = "environment",
     .help = "keep environments as evidence (they hold secrets)"},
    {.name = "engine-timeout",
     .type = OPTION_SECONDS,
     .value = &arguments.engine_seconds,
     .argument = "SECONDS",
     .help = "how long a container engine has to answer (2)"},
    {.name = "strict",
     .type = OPTION_FLAG,
     .value = &arguments.strict,
     .help = "exit with 3 when something could not be read"},
    OPTION_JSON(arguments.json),
    OPTION_END,
};

/* What the recorder's callbacks reach. */
struct recording {
    struct writer *writer;
};

static int keep_blob(void *userdata, const void *bytes, size_t length, struct digest *ret_digest)
{
    const struct recording *recording = userdata;
    return writer_blob(recording->writer, bytes, length, ret_digest);
}

static int each_known_container(void *userdata,
                                int (*each)(void *context, const struct record *container),
                                void *context)
{
    const struct recording *recording = userdata;
    return writer_each_before(recording->writer, KIND_CONTAINER, each, context);
}

static void show_progress(void *userdata, const char *what, size_t done, size_t total)
{
    (void)userdata;
    terminal_progress(what, done, total);
}

/* The writer's sink, but closed after Ctrl-C. */
static int take_record(void *userdata, const struct record *record)
{
    const struct recording *recording = userdata;
    if (interrupt_came())
        return error_set(EINTR, "interrupted; nothing was stored");
    return sink_record(writer_sink(recording->writer), record);
}

static int check_arguments(void)
{
    for (size_t i = 0; i < arguments.with.count; i++) {
        if (strcmp(arguments.with.words[i], "environment") != 0)
            return error_set(ERROR_USAGE, "option --with knows 'environment' alone, not '%s'",
                             arguments.with.words[i]);
    }
    int r = arguments.note ? revision_check_note(arguments.note) : 0;
    if (r < 0)
        return r;
    return arguments.label ? revision_check_label(arguments.label) : 0;
}

/* At least one, as 0 stands for the usual time. */
static uint32_t engine_milliseconds(void)
{
    const double most = 3600;
    double seconds = arguments.engine_seconds < most ? arguments.engine_seconds : most;
    return seconds < 0.001 ? 1 : (uint32_t)(seconds * 1000);
}

static int write_snapshot(struct recorder *recorder, struct database *database,
                          struct recording *recording, struct snapshot **ret_snapshot)
{
    struct snapshot_facts facts = *recorder_facts(recorder);
    facts.label = arguments.label;
    facts.note = arguments.note;
    facts.recorder = "nslapse " NSLAPSE_VERSION;
    _cleanup_writer_ struct writer *writer = NULL;
    int r = writer_begin(database, &facts, &writer);
    if (r < 0)
        return r;
    recording->writer = writer;
    interrupt_note(); /* up to here there is nothing to clean up */
    terminal_progress_begin();
    r = recorder_run(recorder, &(struct sink){take_record, recording});
    terminal_progress_end();
    if (r < 0)
        return r;
    facts.taken_at = recorder_facts(recorder)->taken_at;
    facts.boottime = recorder_facts(recorder)->boottime;
    facts.duration_ns = recorder_facts(recorder)->duration_ns;
    facts.processes_ended = recorder_facts(recorder)->processes_ended;
    return writer_commit(writer, &facts, ret_snapshot);
}

static void print_line(const struct snapshot *snapshot)
{
    char moment[CLOCK_TEXT_SIZE];
    printf("snapshot %lld of ", (long long)snapshot->id);
    output_printable(stdout, snapshot->facts.host);
    printf(" at %s:", clock_format_local(snapshot->facts.taken_at, moment));
    const char *separator = " ";
    for (enum kind kind = 0; kind < KIND_COUNT; kind++) {
        if (kind == KIND_DISCREPANCY || kind == KIND_GAP)
            continue;
        fputs(separator, stdout);
        output_count(stdout, snapshot->counts[kind], kinds[kind].name, kinds[kind].plural);
        separator = ", ";
    }
    fputs("; ", stdout);
    if (snapshot->counts[KIND_DISCREPANCY]) {
        output_count(stdout, snapshot->counts[KIND_DISCREPANCY], "discrepancy", "discrepancies");
        fputs(", ", stdout);
    }
    output_count(stdout, snapshot->counts[KIND_GAP], "gap", "gaps");
    fputc('\n', stdout);
}

static int report(struct database *database, const struct snapshot *snapshot)
{
    if (arguments.json) {
        int r = output_json_line(stdout, snapshot_json(snapshot));
        if (r < 0)
            return r;
    } else if (!settings.quiet) {
        print_line(snapshot);
    }
    if (settings.quiet || !snapshot->counts[KIND_GAP])
        return 0;
    fflush(stdout); /* in this order when both are one terminal */
    return gaps_explain(database, snapshot, stderr);
}

static int record(void)
{
    struct recording recording = {0};
    struct recorder_options recorder_options = {
        .root = settings.root,
        .without = arguments.without.words,
        .environment = arguments.with.count > 0,
        .engine_milliseconds = engine_milliseconds(),
        .keep_blob = keep_blob,
        .progress = show_progress,
        .each_known_container = each_known_container,
        .userdata = &recording,
    };
    _cleanup_recorder_ struct recorder *recorder = NULL;
    _cleanup_database_ struct database *database = NULL;
    _cleanup_snapshot_ struct snapshot *snapshot = NULL;
    /* The recorder first: when there is no host to be read, no database is made either. */
    int r = recorder_open(&recorder_options, &recorder);
    if (r < 0)
        return r;
    r = settings_open(DATABASE_WRITE, &database);
    if (r < 0)
        return r;
    r = write_snapshot(recorder, database, &recording, &snapshot);
    if (r < 0)
        return r;
    r = report(database, snapshot);
    if (r < 0)
        return error_set(-r, "snapshot %lld is stored, but not told of: %s",
                         (long long)snapshot->id, error_message());
    return arguments.strict && snapshot->counts[KIND_GAP] ? EXIT_GAPS : 0;
}

static int run(int count, char **words)
{
    (void)count, (void)words;
    int r = check_arguments();
    if (r < 0)
        return r;
    return record();
}

static void print_sources(FILE *out)
{
    enum { WIDTH = 80 };
    int at = fprintf(out, "\nSOURCE is one of:") - 1;
    for (const char *const *source = recorder_sources(); *source; source++) {
        if (at + 1 + (int)strlen(*source) > WIDTH)
            at = fprintf(out, "\n ") - 1;
        at += fprintf(out, " %s", *source);
    }
    fputc('\n', out);
}

const struct command command_record = {
    .name = "record",
    .arguments = "[--label TEXT] [--note TEXT] [--without SOURCE[,..]] [--json]",
    .summary = "record this host as one snapshot",
    .details =
        "What could not be read is stored as gaps; 'nslapse list gaps' shows them. Run as root\n"
        "to see everything.\n",
    .examples = "  nslapse record\n"
                "  nslapse record --label before-update --note \"ticket 4711\"\n"
                "  nslapse --root /mnt/copied-host record --db case.db\n",
    .options = options,
    .help = print_sources,
    .run = run,
};
