/* SPDX-License-Identifier: Apache-2.0 */
/* situation NAME: builds a situation, prints its facts as one line of JSON, and holds it until
 * standard input ends. A line on standard input takes the situation's next step, which prints the
 * facts again. situation --list: the names and what they are.
 *
 * Exit 77: this kernel or these privileges don't allow it. */
#include "tests/helpers/situation.h"

#include "tests/helpers/child.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct situation *const tables[] = {
    situations_bind_mounts, situations_cgroups,    situations_descriptors, situations_hierarchy,
    situations_mounts,      situations_namespaces, situations_reuse,       situations_silent,
    situations_storms,      situations_tasks,      situations_visibility,
};

enum { TABLE_COUNT = sizeof(tables) / sizeof(*tables), CLEAN_UPS_MOST = 8 };

static void (*clean_ups[CLEAN_UPS_MOST])(void);
static size_t clean_up_count;

void clean_up(void (*function)(void))
{
    if (clean_up_count == CLEAN_UPS_MOST)
        fail("too much to clean up");
    clean_ups[clean_up_count++] = function;
}

/* When this returns, nothing is left: what the children had started comes to this process, the
 * subreaper, and is waited for. */
static void end(void)
{
    child_end_all();
    while (clean_up_count)
        clean_ups[--clean_up_count]();
    while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
        ;
}

uint64_t namespace_of_thread(pid_t pid, pid_t tid, const char *type)
{
    char path[96];
    struct stat status;
    snprintf(path, sizeof(path), "/proc/%d/task/%d/ns/%s", pid, tid, type);
    check(stat(path, &status), path);
    return status.st_ino;
}

uint64_t namespace_of(pid_t pid, const char *type)
{
    return namespace_of_thread(pid, pid, type);
}

void fact_number(cJSON *facts, const char *name, uint64_t number)
{
    char digits[24];
    snprintf(digits, sizeof(digits), "%" PRIu64, number);
    cJSON_DeleteItemFromObject(facts, name);
    cJSON_AddRawToObject(facts, name, digits);
}

void fact_text(cJSON *facts, const char *name, const char *text)
{
    cJSON_DeleteItemFromObject(facts, name);
    cJSON_AddStringToObject(facts, name, text);
}

void fact_bytes(cJSON *facts, const char *name, const void *bytes, size_t length)
{
    char *digits = calloc(length + 1, 2);
    if (!digits)
        fail("no memory");
    for (size_t i = 0; i < length; i++)
        snprintf(digits + 2 * i, 3, "%02x", ((const unsigned char *)bytes)[i]);
    fact_text(facts, name, digits);
    free(digits);
}

void write_file(const char *path, const char *text)
{
    int file = check(open(path, O_WRONLY | O_CLOEXEC), path);
    if (write(file, text, strlen(text)) < 0)
        fail(path);
    close(file);
}

static char scratch[] = "/tmp/nslapse-situation-XXXXXX";

static void remove_scratch_folder(void)
{
    rmdir(scratch);
}

const char *scratch_folder(void)
{
    static bool made;
    if (!made && !mkdtemp(scratch))
        fail(scratch);
    if (!made)
        clean_up(remove_scratch_folder);
    made = true;
    return scratch;
}

static const struct situation *situation_by_name(const char *name)
{
    for (size_t table = 0; table < TABLE_COUNT; table++)
        for (const struct situation *row = tables[table]; row->name; row++)
            if (strcmp(row->name, name) == 0)
                return row;
    return NULL;
}

static void list_situations(void)
{
    for (size_t table = 0; table < TABLE_COUNT; table++)
        for (const struct situation *row = tables[table]; row->name; row++)
            printf("%-24s %s\n", row->name, row->description);
}

static void print_facts(const cJSON *facts)
{
    char *text = cJSON_PrintUnformatted(facts);
    if (!text)
        fail("no memory");
    puts(text);
    fflush(stdout);
    free(text);
}

/* Makes the reading of standard input end. */
static void stop(int signal_number)
{
    (void)signal_number;
}

/* Who may not make a namespace keeps none. */
static void keep_number(void *unused)
{
    (void)unused;
    (void)!unshare(CLONE_NEWUTS);
    child_hold();
}

/* The kernel gives a new namespace the lowest number that is free. Lower ones than those of the
 * situation are free when it is built, so that whatever else the host makes meanwhile takes one of
 * them: the number of a namespace that ends isn't another one's at once. */
static void build(const struct situation *situation, cJSON *facts)
{
    enum { SPARE = 8 };
    pid_t spare[SPARE];
    for (int i = 0; i < SPARE; i++)
        spare[i] = child_start(0, keep_number, NULL);
    situation->build(facts);
    for (int i = 0; i < SPARE; i++)
        child_end(spare[i]);
}

static void hold(const struct situation *situation)
{
    cJSON *facts = cJSON_CreateObject();
    fact_text(facts, "situation", situation->name);
    build(situation, facts);
    print_facts(facts);
    char byte;
    for (int step = 1; read(STDIN_FILENO, &byte, 1) == 1;) {
        if (byte != '\n')
            continue;
        if (step > situation->steps) {
            errno = 0;
            fail("there is no further step");
        }
        situation->advance(step++, facts);
        print_facts(facts);
    }
    cJSON_Delete(facts);
}

/* AddressSanitizer's look for leaks stops all threads to do it, and waits for ever when it is
 * killed on the way, as a test's time ends. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: situation NAME | --list\n");
        return 2;
    }
    if (strcmp(argv[1], "--list") == 0) {
        list_situations();
        return 0;
    }
    const struct situation *situation = situation_by_name(argv[1]);
    if (!situation) {
        fprintf(stderr, "situation: there is no '%s'; see situation --list\n", argv[1]);
        return 2;
    }
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    check(prctl(PR_SET_CHILD_SUBREAPER, 1), "cannot become the parent of orphans");
    atexit(end);
    hold(situation);
    return 0;
}
