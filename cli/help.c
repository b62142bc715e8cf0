/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/help.h"

#include "base/error.h"
#include "cli/settings.h"
#include "cli/suggestion.h"

#include <string.h>

static const char *heading(FILE *out)
{
    return terminal_style(out, STYLE_HEADING);
}

static const char *plain(FILE *out)
{
    return terminal_style(out, STYLE_PLAIN);
}

static void print_commands(FILE *out)
{
    for (size_t i = 0; commands[i]; i++)
        fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
}

void help_short(FILE *out)
{
    fprintf(out, "usage: nslapse COMMAND [OPTION].. [ARGUMENT]..\n\n");
    print_commands(out);
    fprintf(out, "\nBegin with 'nslapse record'. 'nslapse COMMAND --help' tells more.\n");
}

int help_overview(FILE *out)
{
    fprintf(out,
            "%snslapse%s records every namespace, process, mount and container of a Linux host,\n"
            "tells what changed between any two moments, and draws it.\n\n"
            "%susage:%s nslapse COMMAND [OPTION].. [ARGUMENT]..\n\n%sCommands%s\n",
            heading(out), plain(out), heading(out), plain(out), heading(out), plain(out));
    print_commands(out);
    fprintf(out, "\n%sOptions of all commands%s\n", heading(out), plain(out));
    options_print(settings_options, out);
    fprintf(out,
            "\n%sRevisions%s (REV)\n"
            "  latest, latest~3, a snapshot's number, a label, or a time: @3h, @yesterday,\n"
            "  @\"2 hours ago\", @2026-11-23T14:00: the newest snapshot at or before then\n"
            "\n%sThings%s (ENTITY)\n"
            "  pid:812, tid:813, net:4026531840 (and every other type of namespace),\n"
            "  container:web, mount:/host, mount:/host@mnt:4026532177, cgroup:/system.slice\n"
            "\n%sExamples%s\n"
            "  nslapse record --label before       record this host\n"
            "  nslapse diff before latest          what has changed since then\n"
            "  nslapse list processes @3h --tree   the processes of three hours ago\n"
            "  nslapse export --format dot | dot -Tsvg > namespaces.svg\n",
            heading(out), plain(out), heading(out), plain(out), heading(out), plain(out));
    return 0;
}

int help_command(const struct command *command, FILE *out)
{
    fprintf(out, "%susage:%s nslapse %s%s%s\n\n%s\n", heading(out), plain(out), command->name,
            *command->arguments ? " " : "", command->arguments, command->summary);
    if (command->options->name) {
        fprintf(out, "\n%sOptions%s\n", heading(out), plain(out));
        options_print(command->options, out);
    }
    if (command->details)
        fprintf(out, "\n%s", command->details);
    if (command->help)
        command->help(out);
    if (command->examples)
        fprintf(out, "\n%sExamples%s\n%s", heading(out), plain(out), command->examples);
    fprintf(out, "\n'nslapse --help' lists the options of all commands, and how REV and ENTITY are "
                 "written.\n");
    return 0;
}

int help_kind(enum kind kind, FILE *out)
{
    const struct kind_info *info = &kinds[kind];
    fprintf(out, "%sColumns of %s%s (* is shown without -o)\n", heading(out), info->plural,
            plain(out));
    for (unsigned i = 0; i < info->column_count; i++)
        fprintf(out, "  %c %-27s %s\n", info->columns[i].flags & DEFAULT ? '*' : ' ',
                info->columns[i].name, info->columns[i].description);
    return 0;
}

int help_version(FILE *out)
{
    fprintf(out, "nslapse " NSLAPSE_VERSION "\n");
    return 0;
}

static int run(int count, char **arguments)
{
    if (count == 0)
        return help_overview(stdout);
    for (size_t i = 0; commands[i]; i++) {
        if (strcmp(commands[i]->name, arguments[0]) == 0)
            return help_command(commands[i], stdout);
    }
    if (kind_by_name(arguments[0]) != KIND_COUNT)
        return help_kind(kind_by_name(arguments[0]), stdout);
    struct suggestion suggestion = {.word = arguments[0]};
    for (size_t i = 0; commands[i]; i++)
        suggestion_consider(&suggestion, commands[i]->name);
    for (enum kind kind = 0; kind < KIND_COUNT; kind++)
        suggestion_consider(&suggestion, kinds[kind].plural);
    return error_set(ERROR_USAGE, "there is no help on '%s'" SUGGESTION_FORMAT, arguments[0],
                     SUGGESTION_ARGUMENTS(suggestion));
}

static const struct option_row options[] = {OPTION_END};

const struct command command_help = {
    .name = "help",
    .arguments = "[COMMAND | KIND]",
    .summary = "explain a command, or the columns of a kind of thing",
    .examples = "  nslapse help record\n"
                "  nslapse help processes   the columns for list processes -o\n",
    .options = options,
    .most = 1,
    .run = run,
};
