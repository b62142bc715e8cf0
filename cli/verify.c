/* SPDX-License-Identifier: Apache-2.0 */
/* nslapse verify: whether the record has been altered. */
#include "base/error.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/settings.h"
#include "schema/snapshot.h"

#include <cjson/cJSON.h>

static struct {
    bool json;
} arguments;

static const struct option_row options[] = {
    OPTION_JSON(arguments.json),
    OPTION_END,
};

static void print_sentence(void *userdata, const char *sentence)
{
    (void)userdata;
    output_printable(stdout, sentence);
    putchar('\n');
}

static void add_sentence(void *userdata, const char *sentence)
{
    cJSON *findings = userdata, *text = cJSON_CreateString(sentence);
    if (!cJSON_AddItemToArray(findings, text))
        cJSON_Delete(text);
}

static int verify_as_json(struct database *database, int64_t *ret_broken)
{
    int64_t checked;
    cJSON *document = cJSON_CreateObject();
    cJSON *findings = cJSON_AddArrayToObject(document, "findings");
    int r = findings ? snapshot_verify(database, add_sentence, findings, ret_broken, &checked)
                     : error_memory();
    if (r >= 0 && (!cJSON_AddNumberToObject(document, "checked", (double)checked) ||
                   !cJSON_AddNumberToObject(document, "broken", (double)*ret_broken)))
        r = error_memory();
    if (r < 0) {
        cJSON_Delete(document);
        return r;
    }
    return output_json_line(stdout, document);
}

static int verify_as_text(struct database *database, int64_t *ret_broken)
{
    int64_t checked;
    int r = snapshot_verify(database, print_sentence, NULL, ret_broken, &checked);
    if (r < 0 || settings.quiet)
        return r;
    output_count(stdout, checked, "snapshot", "snapshots");
    fputs(" checked: ", stdout);
    if (*ret_broken)
        output_count(stdout, *ret_broken, "seal is broken\n", "seals are broken\n");
    else
        puts("every seal is whole");
    return 0;
}

static int run(int count, char **words)
{
    (void)count, (void)words;
    _cleanup_database_ struct database *database = NULL;
    int64_t broken = 0;
    int r = settings_open(DATABASE_READ, &database);
    if (r < 0)
        return r;
    r = arguments.json ? verify_as_json(database, &broken) : verify_as_text(database, &broken);
    if (r < 0)
        return r;
    return broken ? EXIT_DAMAGED : 0;
}

const struct command command_verify = {
    .name = "verify",
    .arguments = "[--json]",
    .summary = "check the seals: whether a record has been altered",
    .details =
        "Every state, every snapshot and the chain of snapshots carry a digest. A seal that does\n"
        "not fit is reported, and the exit code is 12. To know that nobody rewrote the whole\n"
        "file, compare the newest digest ('nslapse log -v -n 1') with one kept elsewhere.\n",
    .options = options,
    .run = run,
};
