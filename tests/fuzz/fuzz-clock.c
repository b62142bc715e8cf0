/* SPDX-License-Identifier: Apache-2.0 */
/* Times as people write them: what is understood can be written down and understood again. */
#include "base/clock.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

enum { LENGTH_MOST = 256 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    const int64_t now = INT64_C(1795442400) * NSEC_PER_SEC;
    char text[LENGTH_MOST + 1], utc[CLOCK_TEXT_SIZE], local[CLOCK_TEXT_SIZE];
    if (length > LENGTH_MOST)
        return 0;
    memcpy(text, bytes, length);
    text[length] = '\0';
    int64_t moment = INT64_MIN, again;
    if (clock_parse(text, now, &moment) < 0) {
        fuzz_check(moment == INT64_MIN);
        return 0;
    }
    fuzz_check(clock_parse(clock_format_utc(moment, utc), now, &again) == 0 && again == moment);
    fuzz_check(strlen(clock_format_local(moment, local)) < CLOCK_TEXT_SIZE);
    return 0;
}
