/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/engines/settings.h"

static struct span without_quotes(struct span text)
{
    char first = text.length > 1 ? text.bytes[0] : '\0';
    bool quoted = (first == '"' || first == '\'') && text.bytes[text.length - 1] == first;
    return quoted ? (struct span){text.bytes + 1, text.length - 2} : text;
}

static bool take_section(struct span line, struct span *section)
{
    if (!span_starts(line, "[") || line.bytes[line.length - 1] != ']')
        return false;
    *section = line.length > 2 ? (struct span){line.bytes + 1, line.length - 2} : (struct span){0};
    return true;
}

int settings_parse(const char *bytes, size_t length,
                   int (*each)(void *userdata, const struct setting *setting), void *userdata)
{
    struct span rest = {bytes, length}, line;
    struct setting setting = {0};
    int r = 0;
    while (r >= 0 && span_take(&rest, '\n', &line)) {
        line = span_trim(line);
        if (span_starts(line, "#") || span_starts(line, ";") ||
            take_section(line, &setting.section) || !memchr(line.bytes, '=', line.length))
            continue;
        span_take(&line, '=', &setting.key);
        setting.key = span_trim(setting.key);
        setting.value = without_quotes(span_trim(line));
        if (setting.key.length)
            r = each(userdata, &setting);
    }
    return r < 0 ? r : 0;
}
