/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/engines/programs.h"

#include "base/error.h"
#include "recorder/kernel/proc_stat.h"
#include "recorder/workers.h"

#include <string.h>

/* What one worker looks with. */
struct look {
    const struct number_list *processes;
    int proc;
    bool live;
    struct buffer path, file;
    struct number_list programs;
};

bool engine_has_program(const struct engine *engine, const char *command_name)
{
    for (const char *const *program = engine->programs; program && *program; program++)
        if (strcmp(*program, command_name) == 0)
            return true;
    return false;
}

static bool is_program(struct span name)
{
    char command_name[32];
    if (name.length >= sizeof(command_name))
        return false;
    memcpy(command_name, name.bytes, name.length);
    command_name[name.length] = '\0';
    for (const struct engine *const *engine = engines; *engine; engine++)
        if (engine_has_program(*engine, command_name))
            return true;
    return false;
}

/* Borrowed. The kernel makes comm with less work than stat, where the name stands too; a copy has
 * stat alone. */
static int read_name(struct look *look, pid_t pid, struct span *ret_name)
{
    buffer_clear(&look->path);
    buffer_append_integer(&look->path, pid);
    buffer_append_text(&look->path, look->live ? "/comm" : "/stat");
    int r = look->path.failed
                ? -ENOMEM
                : procfs_read(look->proc, buffer_text(&look->path), PROCFS_TEXT_MOST, &look->file);
    if (r < 0)
        return r;
    if (!look->live)
        return proc_stat_parse_comm(buffer_text(&look->file), look->file.length, ret_name);
    *ret_name = (struct span){buffer_text(&look->file), look->file.length};
    if (ret_name->length) /* a newline ends it */
        ret_name->length--;
    return 0;
}

static int look_at(void *userdata, unsigned worker, size_t number)
{
    struct look *look = (struct look *)userdata + worker;
    pid_t pid = look->processes->numbers[number];
    struct span name;
    int r = read_name(look, pid, &name);
    if (r == -ENOMEM)
        return error_memory();
    return r >= 0 && is_program(name) ? number_list_add(&look->programs, pid) : 0;
}

static int gather(struct look *look, struct number_list *programs)
{
    int r = 0;
    for (size_t i = 0; i < look->programs.count && r >= 0; i++)
        r = number_list_add(programs, look->programs.numbers[i]);
    buffer_free(&look->path);
    buffer_free(&look->file);
    number_list_free(&look->programs);
    return r;
}

int engine_programs_find(const struct capture *capture, const struct number_list *processes,
                         struct number_list *ret_programs)
{
    struct look looks[WORKERS] = {{0}};
    for (unsigned i = 0; i < WORKERS; i++)
        looks[i] = (struct look){
            .processes = processes, .proc = capture->host->proc, .live = capture->host->live};
    const struct workload workload = {.capture = capture,
                                      .what = "engines",
                                      .count = processes->count,
                                      .private_descriptors = true,
                                      .read = look_at,
                                      .userdata = looks};
    int r = workers_run(&workload);
    for (unsigned i = 0; i < WORKERS; i++) {
        int gathered = gather(&looks[i], ret_programs);
        r = r < 0 ? r : gathered;
    }
    number_list_sort(ret_programs);
    return r;
}
