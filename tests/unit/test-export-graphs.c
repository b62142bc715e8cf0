/* SPDX-License-Identifier: Apache-2.0 */
/* The graphs: what is drawn, what is folded, and that the same is drawn in the same way each time.
 */
#include "base/clock.h"
#include "tests/unit/export-host.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const char *const graphs[] = {"namespaces", "processes", "mounts", "containers"};
enum { GRAPHS = sizeof(graphs) / sizeof(*graphs) };

struct fixture {
    struct world world;
    char *path;
    struct database *database;
    struct snapshot *before, *after;
    struct difference *difference;
    char *text; /* the last graph drawn */
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    *state = fixture;
    world_begin(&fixture->world, 5);
    fixture->path = scratch_database();
    return database_open(fixture->path, DATABASE_WRITE, 1, &fixture->database);
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    free(fixture->text);
    difference_free(fixture->difference);
    snapshot_free(fixture->before);
    snapshot_free(fixture->after);
    database_free(fixture->database);
    scratch_remove(fixture->path);
    world_end(&fixture->world);
    free(fixture);
    return 0;
}

static void draw(struct fixture *fixture, const char *graph)
{
    if (!fixture->after)
        fixture->after = world_record(&fixture->world, fixture->database);
    free(fixture->text);
    fixture->text = host_export(fixture->database, "dot", graph,
                                fixture->difference ? NULL : fixture->after, fixture->difference);
}

/* The next drawing is of the difference from the world as it is to what it will be. */
static void remember(struct fixture *fixture)
{
    fixture->before = world_record(&fixture->world, fixture->database);
    fixture->world.facts.taken_at += 60 * NSEC_PER_SEC;
    fixture->world.facts.boottime += 60 * NSEC_PER_SEC;
}

static void draw_difference(struct fixture *fixture, const char *graph)
{
    if (!fixture->difference) {
        snapshot_free(fixture->after);
        fixture->after = world_record(&fixture->world, fixture->database);
        assert_int_equal(difference_of(fixture->database, fixture->before, fixture->after,
                                       DIFF_KINDS, &fixture->difference),
                         0);
    }
    draw(fixture, graph);
}

static void assert_drawn(const struct fixture *fixture, const char *text)
{
    if (!strstr(fixture->text, text))
        fail_msg("no %s in\n%s", text, fixture->text);
}

static void assert_not_drawn(const struct fixture *fixture, const char *text)
{
    if (strstr(fixture->text, text))
        fail_msg("%s in\n%s", text, fixture->text);
}

/* The node's line, to be released with free(); fails if it isn't drawn. */
static char *node_line(const struct fixture *fixture, const char *id)
{
    char begin[128];
    snprintf(begin, sizeof begin, "\"%s\" [label=", id);
    const char *found = strstr(fixture->text, begin);
    if (!found)
        fail_msg("no node %s in\n%s", id, fixture->text);
    return strndup(found, strcspn(found, "\n"));
}

static void assert_node(const struct fixture *fixture, const char *id, const char *text)
{
    char *line = node_line(fixture, id);
    if (!strstr(line, text))
        fail_msg("no %s in %s", text, line);
    free(line);
}

static size_t count_text(const struct fixture *fixture, const char *text)
{
    size_t count = 0;
    for (const char *at = fixture->text; (at = strstr(at, text)); at += strlen(text))
        count++;
    return count;
}

static void test_processes_fold(void **state)
{
    struct fixture *fixture = *state;
    host_add_all(&fixture->world);
    draw(fixture, "processes");
    assert_node(fixture, "process_2_20", "<B>kernel threads</B> ×141");
    assert_node(fixture, "process_301_3010", "<B>nginx</B> ×16");
    assert_node(fixture, "process_301_3010", "pids 301, 302, 303, 304, …");
    assert_node(fixture, "process_301_3010", "user 33");
    assert_node(fixture, "process_300_3000", "<B>nginx</B><BR");
    assert_node(fixture, "process_1110_11100", "<B>chrome</B> ×6");
    assert_node(fixture, "process_1110_11100", "own net, pid, user");
    assert_drawn(fixture, "\"process_1_10\" -> \"process_300_3000\"");
    /* Four sessions have an editor, six don't: two classes each for sshd, its child and bash. */
    assert_node(fixture, "process_402_4020", "<B>bash</B> ×4");
    assert_node(fixture, "process_412_4120", "<B>bash</B> ×6");
    assert_drawn(fixture, "subgraph \"cluster_cgroup_4026532205_ipc_4026532202_mnt_4026532200_"
                          "net_4026532204_pid_4026532203_uts_4026532201\"");
    assert_in_range(count_text(fixture, "label=<"), 20, 80);
}

static void test_namespaces_group(void **state)
{
    struct fixture *fixture = *state;
    host_add_all(&fixture->world);
    draw(fixture, "namespaces");
    assert_node(fixture, "cgroup_4026531835", "<B>initial namespaces</B>");
    assert_node(fixture, "cgroup_4026531835", "led by systemd (pid 1)");
    assert_node(fixture, "cgroup_4026531835", "kernel threads ×141");
    assert_node(fixture, "net_4026532900", "no process, found by: bind-mount");
    assert_node(fixture, "net_4026532900", "/run/netns/blue");
    assert_node(fixture, "mnt_4026532000", "led by systemd-journal (pid 200)");
    assert_drawn(fixture, "\"cgroup_4026531835\" -> \"mnt_4026532000\" [style=dashed");
    /* Two containers that are alike, and one that joins its neighbour's net namespace. */
    assert_node(fixture, "cgroup_4026532205", "<B>cgroup, ipc, mnt, net, pid, uts</B> ×2");
    assert_drawn(fixture, "\"cgroup_4026532225\" -> \"net_4026532214\" [style=dotted");
    assert_drawn(fixture, "\"cgroup_4026531835\" -> \"cgroup_4026532225\" [style=solid");
    /* Six sandboxes, each in a user namespace of its own. */
    assert_node(fixture, "user_4026532600", "<B>user</B> ×6");
    assert_node(fixture, "user_4026532600", "made by user 1000");
    assert_drawn(fixture, "subgraph \"cluster_user_4026532600\"");
    assert_not_drawn(fixture, "cluster_user_4026532610");
    assert_in_range(count_text(fixture, "label=<"), 15, 40);
}

static void test_namespace_chain_without_processes(void **state)
{
    struct fixture *fixture = *state;
    host_add_initial(&fixture->world);
    host_add_namespace(&fixture->world, "user", 4026532001, host_initial.user, host_initial.user);
    host_add_namespace(&fixture->world, "user", 4026532002, 4026532001, 4026532001);
    host_add_namespace(&fixture->world, "pid", 4026532003, 4026532001, host_initial.pid);
    host_add_namespace(&fixture->world, "pid", 4026532004, 4026532002, 4026532003);
    draw(fixture, "namespaces");
    assert_drawn(fixture, "\"cgroup_4026531835\" -> \"user_4026532001\" [style=solid");
    assert_drawn(fixture, "\"user_4026532001\" -> \"user_4026532002\" [style=solid");
    assert_drawn(fixture, "\"user_4026532001\" -> \"pid_4026532003\" [style=dashed");
    assert_drawn(fixture, "\"cgroup_4026531835\" -> \"pid_4026532003\" [style=solid");
    assert_drawn(fixture, "\"pid_4026532003\" -> \"pid_4026532004\" [style=solid");
}

static void test_thread_in_a_namespace_of_its_own(void **state)
{
    struct fixture *fixture = *state;
    host_add_initial(&fixture->world);
    host_add_namespace(&fixture->world, "net", 4026532001, host_initial.user, 0);
    host_add_process(&fixture->world,
                     &(struct host_process){.pid = 50, .ppid = 1, .comm = "poster"});
    for (int64_t tid = 51; tid <= 52; tid++) {
        struct record thread = *host_find(&fixture->world, KIND_PROCESS, NULL, 50, 0);
        thread.kind = KIND_THREAD;
        for (unsigned column = TASK_COLUMN_COUNT; column < COLUMNS_MOST; column++)
            thread.values[column] = (struct value){0};
        record_set_integer(&thread, THREAD_TID, tid);
        if (tid == 52)
            record_set_integer(&thread, THREAD_NET_NAMESPACE, 4026532001);
        world_add(&fixture->world, &thread);
    }
    draw(fixture, "namespaces");
    assert_node(fixture, "net_4026532001", "led by poster (thread 52 of 50)");
    assert_not_drawn(fixture, "thread 51");
}

/* Two pods that look alike: what leads to different namespaces is not folded. */
static void test_what_joins_different_namespaces_is_apart(void **state)
{
    struct fixture *fixture = *state;
    host_add_initial(&fixture->world);
    for (int64_t pod = 0; pod < 2; pod++) {
        struct host_place place = host_initial;
        place.net = 4026532001 + pod;
        host_add_namespace(&fixture->world, "net", place.net, place.user, 0);
        for (int64_t i = 0; i < 2; i++) {
            place.mnt = 4026532010 + 2 * pod + i;
            host_add_namespace(&fixture->world, "mnt", place.mnt, place.user, 0);
            host_add_process(&fixture->world, &(struct host_process){.pid = 50 + 2 * pod + i,
                                                                     .ppid = 1,
                                                                     .comm = "app",
                                                                     .place = &place});
        }
    }
    draw(fixture, "namespaces");
    assert_drawn(fixture, "\"mnt_4026532010\" -> \"net_4026532001\"");
    assert_drawn(fixture, "\"mnt_4026532011\" -> \"net_4026532001\"");
    assert_drawn(fixture, "\"mnt_4026532012\" -> \"net_4026532002\"");
    assert_drawn(fixture, "\"mnt_4026532013\" -> \"net_4026532002\"");
}

/* A recorder inside of a container sees no initial namespace. */
static void test_host_without_initial_namespaces(void **state)
{
    struct fixture *fixture = *state;
    host_add_initial(&fixture->world);
    for (size_t i = 0; i < fixture->world.count; i++)
        if (fixture->world.records[i]->kind == KIND_NAMESPACE)
            record_set_integer(fixture->world.records[i], NAMESPACE_INITIAL, 0);
    draw(fixture, "namespaces");
    assert_drawn(fixture, "<B>namespaces of the first process</B>");
}

static void test_unreadable_processes_are_told(void **state)
{
    struct fixture *fixture = *state;
    host_add_initial(&fixture->world);
    struct record *shielded =
        host_add_process(&fixture->world, &(struct host_process){.pid = 9, .ppid = 1, .comm = "s"});
    for (unsigned column = TASK_CGROUP_NAMESPACE; column <= TASK_UTS_NAMESPACE; column++)
        shielded->values[column] = (struct value){0};
    draw(fixture, "namespaces");
    assert_node(fixture, "unreadable", "1 process whose namespaces could not be read");
    draw(fixture, "processes");
    assert_drawn(fixture, "\"process_1_10\" -> \"process_9_90\"");
}

static void test_mounts_fold(void **state)
{
    struct fixture *fixture = *state;
    host_add_all(&fixture->world);
    draw(fixture, "mounts");
    assert_drawn(fixture, "<B>mnt 4026532200 and 11 with the same mounts</B>");
    assert_drawn(fixture, "<B>mnt 4026531841, initial</B>");
    assert_node(fixture, "mount_4026531841_32", "<B>overlay</B> ×3");
    assert_node(fixture, "mount_4026531841_32", "/var/lib/docker/overlay2/b/merged");
    assert_node(fixture, "mount_4026531841_20", "ext4 /dev/vda1");
    /* Per namespace, not in all of the twelve that are alike. */
    assert_node(fixture, "mount_4026532200_2004", "<B>ext4</B> ×3");
    assert_drawn(fixture, "\"mount_4026531841_20\" -> \"mount_4026531841_21\" [style=solid");
    /* One mount that a container receives, and sixteen that the services do. */
    assert_drawn(fixture, "\"mount_4026531841_35\" -> \"mount_4026532200_2003\" [style=dashed");
    assert_drawn(fixture, "lhead=\"cluster_mnt_4026532000\",label=\"16 mounts receive\"");
    assert_int_equal(count_text(fixture, "mounts receive"), 1);
}

static void test_peers_and_hidden_mounts(void **state)
{
    struct fixture *fixture = *state;
    host_add_initial(&fixture->world);
    host_add_namespace(&fixture->world, "mnt", 4026532001, host_initial.user, 0);
    host_add_mount(&fixture->world,
                   &(struct host_mount){host_initial.mnt, 20, 1, 7, 0, "/", "ext4", "/dev/vda"});
    host_add_mount(&fixture->world,
                   &(struct host_mount){4026532001, 40, 1, 7, 0, "/", "ext4", "/dev/vda"});
    struct record *hidden = host_add_mount(
        &fixture->world, &(struct host_mount){4026532001, 41, 40, 0, 0, "/mnt", "tmpfs", "none"});
    record_set_text(hidden, MOUNT_VISIBILITY, "shadowed");
    record_set_integer(hidden, MOUNT_COVERED_BY, 42);
    host_add_mount(&fixture->world,
                   &(struct host_mount){4026532001, 42, 40, 0, 0, "/<m>", "tmpfs", "none"});
    struct record *lower = host_add_mount(
        &fixture->world, &(struct host_mount){4026532001, 43, 40, 0, 0, "/low", "tmpfs", "none"});
    record_set_text(lower, MOUNT_VISIBILITY, "overmounted");
    record_set_integer(lower, MOUNT_COVERED_BY, 44);
    host_add_mount(&fixture->world,
                   &(struct host_mount){4026532001, 44, 43, 0, 0, "/low", "tmpfs", "none"});
    /* A namespace that no record tells of, and one without mounts. */
    host_add_mount(&fixture->world,
                   &(struct host_mount){4026532005, 60, 1, 0, 0, "/", "tmpfs", "none"});
    host_add_namespace(&fixture->world, "mnt", 4026532003, host_initial.user, 0);
    draw(fixture, "mounts");
    assert_drawn(fixture,
                 "\"mount_4026531841_20\" -> \"mount_4026532001_40\" [style=dashed,dir=none");
    assert_node(fixture, "mount_4026532001_41", "shadowed by /&lt;m&gt;<");
    assert_node(fixture, "mount_4026532001_43", "overmounted<");
    assert_node(fixture, "mount_4026532001_41", "fillcolor=\"#dcdcdc\"");
    assert_node(fixture, "mount_4026532001_43", "fillcolor=\"#dcdcdc\"");
    assert_node(fixture, "mount_4026532001_44", "fillcolor=\"#ffffff\"");
    assert_node(fixture, "mount_4026532005_60", "<B>/</B>");
    assert_node(fixture, "mnt_4026532003", "no mounts known");
}

static void test_containers(void **state)
{
    struct fixture *fixture = *state;
    host_add_containers(&fixture->world);
    draw(fixture, "containers");
    assert_node(fixture, "container_docker_a1", "<B>web</B>");
    assert_node(fixture, "container_docker_a1", "shop:1, running, pid 50");
    assert_node(fixture, "container_docker_a1", "own mnt, pid");
    assert_node(fixture, "container_docker_c3", "may CAP_SYS_ADMIN");
    assert_node(fixture, "container_docker_e5", "privileged");
    assert_node(fixture, "container_docker_e5", "shop:1, exited");
    assert_node(fixture, "container_docker_a1_2fd4", "own mnt, net, pid");
    assert_drawn(fixture, "<B>docker</B>");
    assert_drawn(fixture, "<B>pod shop</B>");
    assert_drawn(fixture, "<B>docker in web</B>");
    assert_node(fixture, "container_docker_c3", "binds /, /etc (read-only)");
    /* Who shares what: the pod its network, the agent the host's. */
    assert_drawn(fixture, "\"container_docker_a1\" -> \"net_4026532001\" [style=dotted");
    assert_drawn(fixture, "\"container_docker_b2\" -> \"net_4026532001\" [style=dotted");
    assert_int_equal(count_text(fixture, "\"net_4026532001\" [label="), 1);
    assert_drawn(fixture, "\"container_docker_c3\" -> \"host\"");
    assert_drawn(fixture, "ipc, net, uts");
    assert_not_drawn(fixture, "\"container_docker_e5\" ->");
}

static void test_containers_of_several_engines(void **state)
{
    struct fixture *fixture = *state;
    host_add_container_of(&fixture->world, "a1", "/var/lib/docker",
                          "[{\"type\":\"podman-pod\",\"name\":\"0815\"},"
                          "{\"type\":\"podman-pod-name\",\"name\":\"shop\"}]");
    host_add_container_of(&fixture->world, "b2", "/srv/docker",
                          "[{\"type\":\"kubernetes-namespace\",\"name\":\"test\"},"
                          "{\"type\":\"kubernetes-pod-name\",\"name\":\"shop\"}]");
    host_add_container_of(&fixture->world, "c3", NULL, NULL);
    draw(fixture, "containers");
    assert_int_equal(count_text(fixture, "<B>docker</B>"), 3);
    assert_drawn(fixture, "/var/lib/docker<");
    assert_drawn(fixture, "/srv/docker<");
    assert_drawn(fixture, "known by cgroups alone<");
    assert_drawn(fixture, "<B>pod shop</B>");
    assert_drawn(fixture, "<B>pod test/shop</B>");
}

static void test_containers_of_a_difference(void **state)
{
    struct fixture *fixture = *state;
    host_add_containers(&fixture->world);
    remember(fixture);
    host_add_container(&fixture->world, "f6", "new", 0);
    for (size_t i = 0; i < fixture->world.count; i++) {
        struct record *record = fixture->world.records[i];
        if (record->kind != KIND_CONTAINER ||
            strcmp(record_text(record, CONTAINER_NAME), "cache") != 0)
            continue;
        record_set_text(record, CONTAINER_CONTAINER_STATE, "exited");
        record->values[CONTAINER_PID] = (struct value){.type = VALUE_NULL};
    }
    draw_difference(fixture, "containers");
    assert_node(fixture, "container_docker_f6", "<B>+ new</B>");
    assert_node(fixture, "container_docker_b2", "state: running → exited");
    assert_node(fixture, "container_docker_b2", "pid: 51 → -");
    assert_not_drawn(fixture, "container_docker_a1");
}

static void test_difference(void **state)
{
    struct fixture *fixture = *state;
    host_add_all(&fixture->world);
    remember(fixture);
    host_alter(&fixture->world);
    draw_difference(fixture, "processes");
    assert_node(fixture, "process_207_2070", "<B>− rtkit-daemon</B>");
    assert_node(fixture, "process_1501_15010", "<B>+ nc</B> ×3");
    assert_node(fixture, "process_301_3010", "<B>Δ nginx</B>");
    assert_node(fixture, "process_301_3010", "real_uid: 33 → 0");
    assert_node(fixture, "process_333_3330", "<B>? postgres</B>");
    assert_node(fixture, "process_412_4120",
                "<B>bash</B>"); /* context: it leads to the new shell */
    assert_not_drawn(fixture, "agetty");
    assert_not_drawn(fixture, "kernel threads");
    assert_drawn(fixture, "cluster_legend");

    draw_difference(fixture, "namespaces");
    assert_node(fixture, "mnt_4026533001", "<B>+ mnt 4026533001</B>");
    assert_node(fixture, "net_4026533000", "<B>+ net 4026533000</B>");
    assert_node(fixture, "in_process_332_3320", "<B>Δ postgres (pid 332)</B>");
    assert_not_drawn(fixture, "redis-server");

    draw_difference(fixture, "mounts");
    assert_node(fixture, "mount_4026531841_90", "<B>+ /mnt/loot</B>");
    assert_node(fixture, "mount_4026531841_31", "options: rw,relatime → ro,relatime");
    assert_not_drawn(fixture, "/dev/shm");
}

/* A number used again at once: two things, two nodes, and each with what belonged to it. */
static void test_reused_numbers(void **state)
{
    struct fixture *fixture = *state;
    struct host_place place = host_initial;
    place.net = 4026532001;
    host_add_initial(&fixture->world);
    struct record *net =
        host_add_namespace(&fixture->world, "net", place.net, host_initial.user, 0);
    host_add_process(&fixture->world,
                     &(struct host_process){.pid = 50, .ppid = 1, .comm = "old", .place = &place});
    remember(fixture);
    record_set_integer(net, NAMESPACE_ID, 99);
    host_remove_process(&fixture->world, 50);
    struct record *heir = host_add_process(
        &fixture->world,
        &(struct host_process){.pid = 50, .ppid = 1, .comm = "new", .place = &place});
    record_set_integer(heir, PROCESS_PIDFS_INODE, 77);
    draw_difference(fixture, "namespaces");
    assert_node(fixture, "net_4026532001", "<B>− net 4026532001</B>");
    assert_node(fixture, "net_4026532001", "old (pid 50)");
    assert_node(fixture, "net_4026532001_twin1", "<B>+ net 4026532001</B>");
    assert_node(fixture, "net_4026532001_twin1", "new (pid 50)");
    draw_difference(fixture, "processes");
    assert_node(fixture, "process_50_500", "<B>− old</B>");
    assert_node(fixture, "process_50_500_twin1", "<B>+ new</B>");
}

static void test_nothing_changed(void **state)
{
    struct fixture *fixture = *state;
    host_add_all(&fixture->world);
    remember(fixture);
    for (size_t i = 0; i < GRAPHS; i++) {
        draw_difference(fixture, graphs[i]);
        assert_not_drawn(fixture, "systemd-udevd");
        assert_not_drawn(fixture, "nginx (");
    }
}

/* Neither the order of recording nor anything else but the records shows. */
static void test_same_bytes_whatever_the_order(void **state)
{
    struct fixture *fixture = *state;
    host_add_all(&fixture->world);
    char *texts[GRAPHS];
    for (size_t i = 0; i < GRAPHS; i++) {
        draw(fixture, graphs[i]);
        texts[i] = steal_pointer(fixture->text);
    }
    for (size_t i = fixture->world.count; i-- > 1;) {
        const size_t other = world_random(&fixture->world, i + 1);
        struct record *record = fixture->world.records[i];
        fixture->world.records[i] = fixture->world.records[other];
        fixture->world.records[other] = record;
    }
    database_free(fixture->database);
    scratch_remove(fixture->path);
    fixture->path = scratch_database();
    assert_int_equal(database_open(fixture->path, DATABASE_WRITE, 1, &fixture->database), 0);
    snapshot_free(fixture->after);
    fixture->after = NULL;
    for (size_t i = 0; i < GRAPHS; i++) {
        draw(fixture, graphs[i]);
        assert_string_equal(fixture->text, texts[i]);
        free(texts[i]);
    }
}

/* Graphviz takes the text; false where it isn't installed. */
static bool is_graph(const char *text)
{
    FILE *dot = popen("dot -Tcanon > /dev/null", "w");
    assert_non_null(dot);
    fputs(text, dot);
    const int status = pclose(dot);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
        return false;
    assert_int_equal(status, 0);
    return true;
}

static void test_empty_world(void **state)
{
    struct fixture *fixture = *state;
    remember(fixture);
    for (size_t i = 0; i < GRAPHS; i++) {
        draw(fixture, graphs[i]);
        is_graph(fixture->text);
        assert_not_drawn(fixture, "->");
    }
    for (size_t i = 0; i < GRAPHS; i++) {
        draw_difference(fixture, graphs[i]);
        is_graph(fixture->text);
    }
}

static void make_hostile(struct record *record)
{
    static const char *const texts[] = {
        "\"];evil[label=\"",
        "</B>><evil/>",
        "a\nb\r\t\033[31m",
        "\\N\\G\\",
        "&amp;&#0;&lt",
        "\xef\xbf\xbe\xef\xbf\xbf",
        "<!--",
        "]]>",
        "\u202egnp",
        "",
    };
    static unsigned next;
    for (unsigned column = 0; column < kinds[record->kind].column_count; column++)
        if (record->values[column].type == VALUE_TEXT && column != NAMESPACE_TYPE)
            record_set_text(record, column, texts[next++ % (sizeof(texts) / sizeof(*texts))]);
}

static void test_hostile_names(void **state)
{
    struct fixture *fixture = *state;
    host_add_all(&fixture->world);
    for (size_t i = 0; i < fixture->world.count; i++)
        make_hostile(fixture->world.records[i]);
    fixture->world.facts.host = "h<\"o\nst";
    fixture->world.facts.label = "\\l\"><B>";
    remember(fixture);
    host_alter(&fixture->world);
    for (size_t i = 0; i < fixture->world.count; i++)
        if (i % 3 == 0)
            make_hostile(fixture->world.records[i]);
    bool checked = true;
    for (size_t i = 0; i < GRAPHS && checked; i++) {
        draw(fixture, graphs[i]);
        assert_not_drawn(fixture, "<evil");
        checked = is_graph(fixture->text);
    }
    for (size_t i = 0; i < GRAPHS && checked; i++) {
        draw_difference(fixture, graphs[i]);
        checked = is_graph(fixture->text);
    }
    if (!checked)
        skip();
}

/* Anything at all in the records: no crash, and still a graph. */
static void test_random_worlds(void **state)
{
    struct fixture *fixture = *state;
    for (unsigned i = 0; i < 400; i++) {
        static const enum kind drawn[] = {KIND_PROCESS, KIND_NAMESPACE, KIND_MOUNT, KIND_THREAD,
                                          KIND_CONTAINER};
        const enum kind kind = drawn[i % (sizeof(drawn) / sizeof(*drawn))];
        struct record *record = world_add_random(&fixture->world, kind);
        if (kind == KIND_PROCESS)
            record_set_integer(record, PROCESS_PPID,
                               record_integer(fixture->world.records[i / 2 * 2 % (i + 1)], 0, 0));
    }
    remember(fixture);
    world_alter(&fixture->world);
    world_alter(&fixture->world);
    for (size_t i = 0; i < GRAPHS; i++) {
        draw_difference(fixture, graphs[i]);
        is_graph(fixture->text);
    }
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_processes_fold),
        TEST(test_namespaces_group),
        TEST(test_namespace_chain_without_processes),
        TEST(test_thread_in_a_namespace_of_its_own),
        TEST(test_what_joins_different_namespaces_is_apart),
        TEST(test_host_without_initial_namespaces),
        TEST(test_unreadable_processes_are_told),
        TEST(test_mounts_fold),
        TEST(test_peers_and_hidden_mounts),
        TEST(test_containers),
        TEST(test_containers_of_several_engines),
        TEST(test_containers_of_a_difference),
        TEST(test_difference),
        TEST(test_reused_numbers),
        TEST(test_nothing_changed),
        TEST(test_same_bytes_whatever_the_order),
        TEST(test_empty_world),
        TEST(test_hostile_names),
        TEST(test_random_worlds),
    };
    signal(SIGPIPE, SIG_IGN); /* dot may not be there, or end early */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
