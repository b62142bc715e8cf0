/* SPDX-License-Identifier: Apache-2.0 */
/* nslapse completion: a script for bash, made from the tables of commands, options and kinds. */
#include "cli/commands.h"
#include "cli/settings.h"
#include "export/export.h"
#include "schema/kinds.h"

static const struct option_row options[] = {OPTION_END};

static void print_options(const struct option_row *rows)
{
    for (; rows->name; rows++)
        printf(" --%s", rows->name);
}

static void print_kinds(void)
{
    for (enum kind kind = 0; kind < KIND_COUNT; kind++)
        printf(" %s", kinds[kind].plural);
}

static void print_values(void)
{
    puts("    case $previous in");
    puts("        --db|--output|-o|--root|--capture-fixture)");
    puts("            COMPREPLY=($(compgen -f -- \"$current\")); return ;;");
    fputs("        --kind) words='", stdout);
    print_kinds();
    fputs("' ;;\n        --format|-f) words='", stdout);
    for (const struct export_format *format = export_formats; format->name; format++)
        printf(" %s", format->name);
    fputs("' ;;\n        --color) words='", stdout);
    for (size_t i = 0; terminal_color_names[i]; i++)
        printf(" %s", terminal_color_names[i]);
    puts("' ;;\n    esac");
}

static void print_command(const struct command *command)
{
    printf("            %s) words='", command->name);
    print_options(command->options);
    if (command == &command_list || command == &command_help)
        print_kinds();
    for (size_t i = 0; command == &command_help && commands[i]; i++)
        printf(" %s", commands[i]->name);
    fputs("' ;;\n", stdout);
}

static int run(int count, char **words)
{
    (void)count, (void)words;
    puts("# bash completion for nslapse; made by 'nslapse completion'\n"
         "_nslapse()\n{\n"
         "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}\n"
         "    local words= word command=");
    fputs("    for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n        case $word in\n"
          "            ",
          stdout);
    for (size_t i = 0; commands[i]; i++)
        printf("%s%s", i ? "|" : "", commands[i]->name);
    puts(") command=$word; break ;;\n        esac\n    done");
    print_values();
    puts("    if [[ -z $words ]]; then\n        case $command in");
    for (size_t i = 0; commands[i]; i++)
        print_command(commands[i]);
    fputs("            *) words='", stdout);
    for (size_t i = 0; commands[i]; i++)
        printf(" %s", commands[i]->name);
    fputs("' ;;\n        esac\n        words+='", stdout);
    print_options(settings_options);
    puts("'\n    fi\n    COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n}\n"
         "complete -F _nslapse nslapse");
    return 0;
}

const struct command command_completion = {
    .name = "completion",
    .arguments = "",
    .summary = "print the completion script for bash",
    .examples = "  nslapse completion > /etc/bash_completion.d/nslapse\n",
    .options = options,
    .run = run,
};
