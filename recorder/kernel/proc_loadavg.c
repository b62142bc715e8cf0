/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/kernel/proc_loadavg.h"

#include <errno.h>

/* "0.00 0.37 0.64 1/91 14424": three averages, then those that run, of how many. */
int proc_loadavg_parse(const char *bytes, size_t length, struct proc_loadavg *ret_loadavg)
{
    struct span rest = {bytes, length}, word, running;
    struct proc_loadavg loadavg;
    for (unsigned i = 0; i < 4; i++)
        if (!span_take_word(&rest, &word))
            return -EBADMSG;
    if (!span_take(&word, '/', &running) || !span_unsigned(word, 10, &loadavg.threads) ||
        !span_unsigned(span_trim(rest), 10, &loadavg.newest))
        return -EBADMSG;
    *ret_loadavg = loadavg;
    return 0;
}
