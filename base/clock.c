/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include "base/error.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int64_t clock_now(clockid_t clock)
{
    struct timespec now = {0};
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
}

/* Whole seconds, rounded towards the past, and the rest. */
static time_t split(int64_t moment, long *ret_nanoseconds)
{
    int64_t seconds = moment / NSEC_PER_SEC, rest = moment % NSEC_PER_SEC;
    if (rest < 0) {
        rest += NSEC_PER_SEC;
        seconds--;
    }
    *ret_nanoseconds = (long)rest;
    return (time_t)seconds;
}

char *clock_format_utc(int64_t moment, char text[static CLOCK_TEXT_SIZE])
{
    long nanoseconds;
    time_t seconds = split(moment, &nanoseconds);
    struct tm utc = {0};
    gmtime_r(&seconds, &utc);
    char date[32];
    strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(text, CLOCK_TEXT_SIZE, "%s.%09ldZ", date, nanoseconds);
    return text;
}

char *clock_format_local(int64_t moment, char text[static CLOCK_TEXT_SIZE])
{
    long nanoseconds;
    time_t seconds = split(moment, &nanoseconds);
    struct tm local = {0};
    localtime_r(&seconds, &local);
    strftime(text, CLOCK_TEXT_SIZE, "%Y-%m-%d %H:%M:%S %z", &local);
    return text;
}

static bool end_of(const char *text)
{
    return text[strspn(text, " ")] == '\0';
}

/* Z, +01:00, -0530; nothing means local time. */
static bool parse_zone(const char *text, bool *ret_local, int *ret_offset_seconds)
{
    unsigned hours, minutes;
    int used = 0;
    *ret_local = end_of(text);
    *ret_offset_seconds = 0;
    if (*ret_local || (toupper((unsigned char)*text) == 'Z' && end_of(text + 1)))
        return true;
    if (*text != '+' && *text != '-')
        return false;
    bool read = (sscanf(text + 1, "%2u:%2u%n", &hours, &minutes, &used) == 2 && used) ||
                (sscanf(text + 1, "%2u%2u%n", &hours, &minutes, &used) == 2 && used);
    if (!read || hours > 23 || minutes > 59 || !end_of(text + 1 + used))
        return false;
    *ret_offset_seconds = (int)(hours * 3600 + minutes * 60) * (*text == '-' ? -1 : 1);
    return true;
}

static int64_t parse_fraction(const char **text)
{
    if (**text != '.')
        return 0;
    int64_t unit = NSEC_PER_SEC, fraction = 0;
    for ((*text)++; isdigit((unsigned char)**text); (*text)++)
        fraction += (**text - '0') * (unit /= 10);
    return fraction;
}

static bool parse_date(const char *text, int64_t *ret_moment)
{
    struct tm date = {.tm_isdst = -1};
    const char *rest = strptime(text, "%Y-%m-%d", &date);
    if (!rest || strspn(text, "0123456789") != 4)
        return false;
    int64_t fraction = 0;
    if (*rest == 'T' || *rest == 't' || (*rest == ' ' && !end_of(rest))) {
        rest++;
        const char *seconds = strptime(rest, "%H:%M:%S", &date);
        rest = seconds ? seconds : strptime(rest, "%H:%M", &date);
        if (!rest)
            return false;
        fraction = seconds ? parse_fraction(&rest) : 0;
        rest += strspn(rest, " ");
    }
    bool local;
    int offset;
    if (!parse_zone(rest, &local, &offset))
        return false;
    int day = date.tm_mday;
    time_t seconds = local ? mktime(&date) : timegm(&date) - offset;
    if (date.tm_mday != day) /* 30 February */
        return false;
    /* Nanoseconds in 64 bits end in the year 2262. */
    int64_t moment;
    if (__builtin_mul_overflow((int64_t)seconds, NSEC_PER_SEC, &moment) ||
        __builtin_add_overflow(moment, fraction, &moment))
        return false;
    *ret_moment = moment;
    return true;
}

static int64_t unit_seconds(const char *word, size_t length)
{
    static const struct {
        const char *word;
        int64_t seconds;
    } units[] = {
        {"s", 1},          {"sec", 1},      {"second", 1},      {"seconds", 1},
        {"m", 60},         {"min", 60},     {"minute", 60},     {"minutes", 60},
        {"h", 3600},       {"hour", 3600},  {"hours", 3600},    {"d", 86400},
        {"day", 86400},    {"days", 86400}, {"w", 604800},      {"week", 604800},
        {"weeks", 604800}, {"y", 31536000}, {"year", 31536000}, {"years", 31536000},
    };
    for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
        if (strlen(units[i].word) == length && strncasecmp(units[i].word, word, length) == 0)
            return units[i].seconds;
    return 0;
}

/* "3h", "2 hours ago", "1h 30m ago". */
static bool parse_ago(const char *text, int64_t now, int64_t *ret_moment)
{
    int64_t seconds = 0;
    bool any = false;
    while (text += strspn(text, " "), isdigit((unsigned char)*text)) {
        char *end;
        errno = 0;
        long long amount = strtoll(text, &end, 10);
        end += strspn(end, " ");
        size_t length = 0;
        while (isalpha((unsigned char)end[length]))
            length++;
        int64_t unit = unit_seconds(end, length), part;
        if (errno || !unit || __builtin_mul_overflow(amount, unit, &part) ||
            __builtin_add_overflow(seconds, part, &seconds))
            return false;
        text = end + length;
        any = true;
    }
    if (strncasecmp(text, "ago", 3) == 0)
        text += 3;
    if (!any || !end_of(text) || seconds > now / NSEC_PER_SEC)
        return false;
    *ret_moment = now - seconds * NSEC_PER_SEC;
    return true;
}

static int64_t midnight(int64_t now, int days_back)
{
    time_t seconds = (time_t)(now / NSEC_PER_SEC);
    struct tm local;
    localtime_r(&seconds, &local);
    local.tm_hour = local.tm_min = local.tm_sec = 0;
    local.tm_mday -= days_back;
    local.tm_isdst = -1;
    return (int64_t)mktime(&local) * NSEC_PER_SEC;
}

int clock_parse(const char *text, int64_t now, int64_t *ret_moment)
{
    char *end;
    errno = 0;
    long long epoch = strtoll(text, &end, 10);
    if (end != text && *end == '\0' && !errno && epoch >= 0 && epoch <= INT64_MAX / NSEC_PER_SEC) {
        *ret_moment = epoch * NSEC_PER_SEC;
        return 0;
    }
    if (strcasecmp(text, "now") == 0 || strcasecmp(text, "today") == 0 ||
        strcasecmp(text, "yesterday") == 0) {
        char first = (char)tolower((unsigned char)*text);
        *ret_moment = first == 'n' ? now : midnight(now, first == 'y');
        return 0;
    }
    if (parse_date(text, ret_moment) || parse_ago(text, now, ret_moment))
        return 0;
    return error_set(ERROR_USAGE,
                     "'%s' is not a time; write 2026-11-23T14:00, \"2 hours ago\", 3h, yesterday, "
                     "or seconds since 1970",
                     text);
}
