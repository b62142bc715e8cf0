/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/commands.h"

#include "base/error.h"
#include "cli/help.h"
#include "cli/settings.h"
#include "cli/suggestion.h"
#include "cli/terminal.h"

#include <errno.h>
#include <string.h>

const struct command *const commands[] = {
    &command_record,
    &command_log,
    &command_list,
    &command_show,
    &command_diff,
    &command_export,
    &command_doctor,
    &command_verify,
    &command_completion,
    &command_help,
    NULL,
};

const struct command *command_by_name(const char *name)
{
    struct suggestion suggestion = {.word = name};
    for (size_t i = 0; commands[i]; i++) {
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
        suggestion_consider(&suggestion, commands[i]->name);
    }
    error_set(ERROR_USAGE, "there is no command '%s' ('nslapse help' lists them)" SUGGESTION_FORMAT,
              name, SUGGESTION_ARGUMENTS(suggestion));
    return NULL;
}

static int check_arguments(const struct command *command, int count, char **arguments)
{
    if (count < command->least)
        return error_set(ERROR_USAGE, "%s wants more: nslapse %s %s", command->name, command->name,
                         command->arguments);
    if (count > command->most)
        return error_set(ERROR_USAGE, "'%s' is one argument too many: nslapse %s %s",
                         arguments[command->most], command->name, command->arguments);
    return 0;
}

static int run_command(const struct command *command, int argc, char **argv)
{
    int first;
    int r = options_parse(settings_options, command->options, OPTIONS_ANYWHERE, argc, argv, &first);
    if (r < 0)
        return r;
    terminal_setup(settings.color);
    if (settings.help)
        return help_command(command, stdout);
    r = check_arguments(command, argc - first, argv + first);
    return r < 0 ? r : command->run(argc - first, argv + first);
}

int command_run(int argc, char **argv)
{
    int first;
    terminal_setup(COLOR_AUTO);
    int r = options_parse(settings_options, NULL, OPTIONS_FIRST, argc, argv, &first);
    if (r < 0)
        return r;
    terminal_setup(settings.color);
    if (settings.version)
        return help_version(stdout);
    if (first < argc) {
        const struct command *command = command_by_name(argv[first]);
        return command ? run_command(command, argc - first, argv + first) : -ERROR_USAGE;
    }
    if (settings.help)
        return help_overview(stdout);
    help_short(stderr);
    return EXIT_USAGE;
}

int command_exit_code(int result)
{
    switch (-result) {
    case 0:
    case EPIPE: /* the reader has seen enough */
        return 0;
    case ERROR_USAGE:
    case ERROR_NO_SNAPSHOT:
        return EXIT_USAGE;
    case ERROR_NO_DATABASE:
        return EXIT_NO_DATABASE;
    case ERROR_LOCKED:
        return EXIT_LOCKED;
    case ERROR_NOT_A_DATABASE:
        return EXIT_DAMAGED;
    default:
        return result < 0 ? EXIT_OTHER : result;
    }
}
