/* SPDX-License-Identifier: Apache-2.0 */
/* What is taken for JSON another parser takes too, and what that one writes is taken. */
#include "base/json.h"
#include "tests/fuzz/fuzz.h"

#include <cJSON.h>
#include <string.h>

/* cJSON reads no more than 63 characters of a number, and wants halves of surrogates in pairs. */
static bool is_beyond_cjson(const char *text)
{
    enum { NUMBER_MOST = 63 };
    size_t run = 0, longest = 0;
    for (const char *at = text; *at; at++) {
        run = strchr("0123456789+-.eE", *at) ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    return longest > NUMBER_MOST || strstr(text, "\\u");
}

static void check_printed(const cJSON *json)
{
    char *printed = cJSON_PrintUnformatted(json);
    fuzz_check(printed);
    fuzz_check(json_is_valid(printed));
    cJSON_free(printed);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    /* In memory of its own, so that reading past its end is seen. */
    char *text = strndup((const char *)bytes, length);
    fuzz_check(text);
    cJSON *json = cJSON_ParseWithOpts(text, NULL, true);
    if (json_is_valid(text) && !is_beyond_cjson(text))
        fuzz_check(json);
    if (json)
        check_printed(json);
    cJSON_Delete(json);
    free(text);
    return 0;
}
