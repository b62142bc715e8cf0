/* SPDX-License-Identifier: Apache-2.0 */
/* The facts of the snapshot as a whole: host, boot, clock, privileges. */
#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "recorder/host.h"
#include "recorder/kernel/procfs.h"
#include "recorder/kernel/span.h"

#include <inttypes.h>
#include <string.h>
#include <sys/timex.h>
#include <sys/utsname.h>

/* A file's first line as text in the host's arena, NULL where there is none. -ENOMEM is the only
 * error: a fact that cannot be read is not known. */
static int read_line(struct host *host, int directory, const char *name, const char **ret_text)
{
    _cleanup_buffer_ struct buffer file = {0}, text = {0};
    struct span line;
    *ret_text = NULL;
    if (directory < 0 || procfs_read(directory, name, PROCFS_TEXT_MOST, &file) < 0)
        return 0;
    struct span rest = {file.bytes, file.length};
    if (!span_take(&rest, '\n', &line) || !line.length)
        return 0;
    text_append_captured(&text, line.bytes, line.length);
    if (text.failed || !(*ret_text = arena_copy(host->arena, text.bytes, text.length)))
        return error_memory();
    return 0;
}

static int copy_text(struct host *host, const char *bytes, size_t length, const char **ret_text)
{
    _cleanup_buffer_ struct buffer text = {0};
    text_append_captured(&text, bytes, length);
    *ret_text = text.failed ? NULL : arena_copy(host->arena, buffer_text(&text), text.length);
    return *ret_text ? 0 : error_memory();
}

/* The first word of a line of proc/stat: btime, processes. -1 where it isn't known. */
static int64_t read_counter(const struct host *host, const char *name)
{
    _cleanup_buffer_ struct buffer file = {0};
    if (procfs_read_table(host->proc, "stat", PROCFS_TEXT_MOST, &file) < 0)
        return -1;
    struct span rest = {file.bytes, file.length}, line, word;
    int64_t number;
    while (span_take(&rest, '\n', &line))
        if (span_take_word(&line, &word) && span_is(word, name))
            return span_take_word(&line, &word) && span_integer(word, &number) ? number : -1;
    return -1;
}

/* proc/uptime in nanoseconds, it has hundredths of a second; -1 where it isn't known. */
static int64_t read_uptime(const struct host *host)
{
    _cleanup_buffer_ struct buffer file = {0};
    if (procfs_read(host->proc, "uptime", PROCFS_TEXT_MOST, &file) < 0)
        return -1;
    struct span rest = {file.bytes, file.length}, word, seconds;
    uint64_t whole, hundredths;
    if (!span_take_word(&rest, &word) || !span_take(&word, '.', &seconds) || word.length != 2 ||
        !span_unsigned(seconds, 10, &whole) || !span_unsigned(word, 10, &hundredths) ||
        whole > INT64_MAX / NSEC_PER_SEC / 2)
        return -1;
    return (int64_t)whole * NSEC_PER_SEC + (int64_t)hundredths * (NSEC_PER_SEC / 100);
}

void host_read_moment(struct host *host)
{
    if (!host->live)
        return;
    host->facts.taken_at = clock_now(CLOCK_REALTIME);
    host->facts.boottime = clock_now(CLOCK_BOOTTIME);
}

static void read_live_clock(struct host *host)
{
    struct timex clock = {0};
    struct snapshot_facts *facts = &host->facts;
    host_read_moment(host);
    facts->booted_at = facts->taken_at - facts->boottime;
    facts->clock_ticks = sysconf(_SC_CLK_TCK);
    int state = adjtimex(&clock);
    facts->clock_synchronized = state < 0 ? -1 : !(clock.status & STA_UNSYNC);
}

/* A copy tells when it was made: the boot, and the time since then. */
static void read_copied_clock(const struct host *host, struct snapshot_facts *facts)
{
    const int64_t user_hz = 100; /* on every architecture but alpha */
    int64_t boot = read_counter(host, "btime"), uptime = read_uptime(host);
    bool known = boot > 0 && boot < INT64_MAX / NSEC_PER_SEC / 2 && uptime >= 0;
    facts->booted_at = known ? boot * NSEC_PER_SEC : -1;
    facts->boottime = known ? uptime : -1;
    facts->taken_at = known ? facts->booted_at + uptime : clock_now(CLOCK_REALTIME);
    facts->clock_ticks = user_hz;
    facts->clock_synchronized = -1;
}

static int read_live_names(struct host *host, struct snapshot_facts *facts)
{
    struct utsname names;
    if (uname(&names) < 0)
        return error_set(errno, "cannot ask the kernel for its name: %s", strerror(errno));
    int r = copy_text(host, names.nodename, strlen(names.nodename), &facts->host);
    if (r >= 0)
        r = copy_text(host, names.release, strlen(names.release), &facts->kernel);
    if (r >= 0)
        r = copy_text(host, names.machine, strlen(names.machine), &facts->architecture);
    return r;
}

/* "Linux version 5.10.0-8-amd64 (...": the third word. */
static int read_version(struct host *host, const char **ret_release)
{
    const char *version;
    int r = read_line(host, host->proc, "version", &version);
    struct span rest = {version, version ? strlen(version) : 0}, word;
    for (unsigned i = 0; i < 3; i++)
        if (!span_take_word(&rest, &word))
            return r;
    *ret_release = arena_copy(host->arena, word.bytes, word.length);
    return *ret_release ? r : error_memory();
}

static int read_copied_names(struct host *host, struct snapshot_facts *facts)
{
    int r = read_line(host, host->proc, "sys/kernel/hostname", &facts->host);
    if (r >= 0 && !facts->host)
        r = read_line(host, host->etc, "hostname", &facts->host);
    if (!facts->host)
        facts->host = "unknown";
    if (r >= 0)
        r = read_line(host, host->proc, "sys/kernel/osrelease", &facts->kernel);
    if (r >= 0 && !facts->kernel)
        r = read_version(host, &facts->kernel);
    if (r >= 0)
        r = read_line(host, host->proc, "sys/kernel/arch", &facts->architecture);
    return r;
}

static int read_privileges(struct host *host, struct snapshot_facts *facts)
{
    _cleanup_buffer_ struct buffer json = {0};
    buffer_append_format(&json, "{\"uid\":%u,\"capabilities\":", (unsigned)geteuid());
    if (host->has_capabilities)
        buffer_append_format(&json, "\"%016" PRIx64 "\"}", host->capabilities);
    else
        buffer_append_text(&json, "null}");
    facts->privileges = json.failed ? NULL : arena_copy(host->arena, json.bytes, json.length);
    return facts->privileges ? 0 : error_memory();
}

int host_read_facts(struct host *host)
{
    struct snapshot_facts *facts = &host->facts;
    facts->without = "[]";
    if (host->live)
        read_live_clock(host);
    else
        read_copied_clock(host, facts);
    int r = host->live ? read_live_names(host, facts) : read_copied_names(host, facts);
    if (r >= 0)
        r = read_line(host, host->etc, "machine-id", &facts->machine_id);
    if (r >= 0)
        r = read_line(host, host->proc, "sys/kernel/random/boot_id", &facts->boot_id);
    if (r >= 0)
        r = read_line(host, host->proc, "loadavg", &facts->load_average);
    if (r >= 0)
        r = read_privileges(host, facts);
    facts->forks = read_counter(host, "processes");
    return r;
}
