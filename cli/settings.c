/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/settings.h"

#include "base/error.h"

#include <stdlib.h>

struct settings settings = {.wait_seconds = 30};

const struct option_row settings_options[] = {
    {.name = "db",
     .type = OPTION_TEXT,
     .value = &settings.database,
     .argument = "FILE",
     .help = "the database, instead of $NSLAPSE_DB or the default"},
    {.name = "host",
     .type = OPTION_TEXT,
     .value = &settings.host,
     .argument = "NAME",
     .help = "whose snapshots, when the database holds several hosts"},
    {.name = "root",
     .type = OPTION_TEXT,
     .value = &settings.root,
     .argument = "DIR",
     .help = "read a copied host, or a copied disk, instead of the live host"},
    {.name = "wait",
     .type = OPTION_SECONDS,
     .value = &settings.wait_seconds,
     .argument = "SECONDS",
     .help = "how long to wait for another writer (30)"},
    {.name = "color",
     .type = OPTION_CHOICE,
     .value = &settings.color,
     .argument = "WHEN",
     .help = "auto, always or never; NO_COLOR in the environment: never",
     .choices = terminal_color_names},
    {.name = "quiet",
     .letter = 'q',
     .type = OPTION_FLAG,
     .value = &settings.quiet,
     .help = "only what was asked for, and errors"},
    {.name = "verbose",
     .letter = 'v',
     .type = OPTION_FLAG,
     .value = &settings.verbose,
     .help = "more detail"},
    {.name = "help",
     .letter = 'h',
     .type = OPTION_FLAG,
     .value = &settings.help,
     .help = "this help"},
    {.name = "version",
     .letter = 'V',
     .type = OPTION_FLAG,
     .value = &settings.version,
     .help = "the version of this program"},
    OPTION_END,
};

static bool has_text(const char *text)
{
    return text && *text;
}

int settings_database_path(struct buffer *ret_path)
{
    const char *given = settings.database ? settings.database : getenv("NSLAPSE_DB");
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    /* A script's empty variable must not lead to another database than it was meant for. */
    if (settings.database && !*settings.database)
        return error_set(ERROR_USAGE,
                         "option --db is empty; leave it out for the default database");
    if (has_text(given))
        buffer_append_text(ret_path, given);
    else if (geteuid() == 0)
        buffer_append_text(ret_path, "/var/lib/nslapse/nslapse.db");
    else if (has_text(state) && *state == '/')
        buffer_append_format(ret_path, "%s/nslapse/nslapse.db", state);
    else if (has_text(home))
        buffer_append_format(ret_path, "%s/.local/state/nslapse/nslapse.db", home);
    else
        return error_set(ERROR_USAGE, "cannot tell where the database is: neither HOME nor "
                                      "XDG_STATE_HOME is set; name it with --db FILE");
    return buffer_error(ret_path);
}

int settings_open(enum database_mode mode, struct database **ret_database)
{
    _cleanup_buffer_ struct buffer path = {0};
    int r = settings_database_path(&path);
    if (r < 0)
        return r;
    return database_open(buffer_text(&path), mode, settings.wait_seconds, ret_database);
}
