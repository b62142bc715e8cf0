/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/cgroup_names.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on

#define A "5b94eb2d94b4a2bd9a6e2d4d5c5a3f3b6a1f0a7c2f6f4f5a1d2b3c4d5e6f7081"
#define B "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

/* A path, and the key of the innermost container of it; NULL for none. */
static const struct {
    const char *path, *key;
} rows[] = {
    {"/", NULL},
    {"", NULL},
    {"/system.slice/cron.service", NULL},
    {"/docker/" A, "docker:" A},
    {"/docker/" A "/init.scope", "docker:" A},
    {"/system.slice/docker-" A ".scope", "docker:" A},
    {"/system.slice/docker.service", NULL},
    {"/docker/buildx", NULL},
    {"/docker/5b94", NULL}, /* no id of theirs is that short */
    {"/dockerish/" A, NULL},
    {"/" A, NULL}, /* an id alone doesn't say whose */
    {"/docker-" A ".scopes", NULL},
    {"/machine.slice/libpod-" A ".scope", "podman:" A},
    {"/machine.slice/libpod-" A ".scope/container", "podman:" A},
    {"/libpod_parent/libpod-" A, "podman:" A},
    {"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" A ".scope", "podman:" A},
    {"/system.slice/web.service/libpod-payload-" A, "podman:" A},
    {"/machine.slice/libpod-conmon-" A ".scope", NULL},
    {"/machine.slice/machine-libpod_pod_" B ".slice/libpod-" A ".scope", "podman:" A},
    {"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod12_34.slice/cri-containerd-" A
     ".scope",
     "containerd:k8s.io/" A},
    {"/system.slice/containerd.service/kubepods-besteffort-pod12.slice:cri-containerd:" A,
     "containerd:k8s.io/" A},
    {"/kubepods.slice/kubepods-pod12.slice/crio-" A ".scope", "cri-o:" A},
    {"/kubepods/burstable/pod12-34/crio-" A, "cri-o:" A},
    {"/kubepods.slice/kubepods-pod12.slice/crio-conmon-" A ".scope", NULL},
    {"/kubepods/besteffort/pod12-34/" A, "cri:" A},
    {"/kubepods/pod12-34", NULL},
    {"/kubepods.slice/kubepods-pod12.slice/docker-" A ".scope", "docker:" A},
    {"/system.slice/nerdctl-" A ".scope", "containerd:" A},
    {"/default/web", NULL}, /* containerd's, perhaps: only its bundle tells */
    {"/lxc.payload.web", "lxc:web"},
    {"/lxc.payload/web/init.scope", "lxc:web"},
    {"/lxc/web/system.slice", "lxc:web"},
    {"/lxc.monitor.web", NULL},
    {"/lxc.payload.", NULL},
    {"/machine.slice/machine-fedora\\x2d33.scope/payload", "nspawn:fedora-33"},
    {"/machine.slice/machine-qemu\\x2d1\\x2dvm.scope", NULL},
    {"/machine.slice/systemd-nspawn@web.service/payload", "nspawn:web"},
    {"/machine.slice/systemd-nspawn@web.service/supervisor", NULL}, /* its keeper's own */
    {"/machine.slice/systemd-nspawn@web.service/payload/supervisor", "nspawn:web"},
    {"/docker/" A "/machine-web.scope/supervisor", "docker:" A},
    {"/user.slice/snap.firefox.firefox-01234567-89ab-cdef-0123-456789abcdef.scope",
     "snap:firefox.firefox"},
    {"/system.slice/snap.lxd.daemon.service", "snap:lxd.daemon"},
    {"/user.slice/app-flatpak-org.gnome.Maps-4711.scope", "flatpak:org.gnome.Maps-4711"},
    /* containers in containers: the ids of the outer ones come first */
    {"/docker/" A "/docker/" B, "docker:" A "/" B},
    {"/lxc/web/docker/" B "/init.scope", "docker:web/" B},
    {"/docker/" A "/kubelet/kubepods/burstable/pod12/cri-containerd-" B ".scope",
     "containerd:" A "/k8s.io/" B},
    /* no text, and a backslash that systemd didn't make */
    {"/lxc/w\xff\\b", "lxc:w\\xFF\\\\b"},
    {"/machine-\\x0.scope", "nspawn:\\\\x0"},
};

static void names_are_recognised(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct cgroup_name names[CGROUP_NAMES_MOST];
        _cleanup_buffer_ struct buffer key = {0};
        struct span path = {rows[i].path, strlen(rows[i].path)};
        size_t count = cgroup_names_parse(path, names);
        if (count)
            cgroup_names_append_key(&key, NULL, names, count);
        if (strcmp(rows[i].key ? rows[i].key : "", buffer_text(&key)) != 0)
            fail_msg("%s: %s, not %s", rows[i].path, buffer_text(&key), rows[i].key);
    }
}

static void ends_tell_whose_cgroup_is_whose(void **state)
{
    (void)state;
    static const char path[] = "/lxc/web/docker/" B "/init.scope";
    struct cgroup_name names[CGROUP_NAMES_MOST];
    assert_int_equal(cgroup_names_parse((struct span){path, strlen(path)}, names), 2);
    assert_int_equal(names[0].end, strlen("/lxc/web"));
    assert_int_equal(names[1].end, strlen("/lxc/web/docker/" B));
    static const char parted[] = "/machine-web.scope/payload/init.scope";
    assert_int_equal(cgroup_names_parse((struct span){parted, strlen(parted)}, names), 1);
    assert_int_equal(names[0].end, strlen("/machine-web.scope/payload"));
}

static void the_outer_one_comes_first(void **state)
{
    (void)state;
    static const char path[] = "/lxc/web";
    struct cgroup_name names[CGROUP_NAMES_MOST];
    _cleanup_buffer_ struct buffer key = {0};
    assert_int_equal(cgroup_names_parse((struct span){path, strlen(path)}, names), 1);
    cgroup_names_append_key(&key, "docker:" A, names, 1);
    assert_string_equal(buffer_text(&key), "lxc:" A "/web");
}

/* Deeper than anybody goes: the innermost is still the innermost. */
static void deep_paths_end(void **state)
{
    (void)state;
    _cleanup_buffer_ struct buffer path = {0};
    struct cgroup_name names[CGROUP_NAMES_MOST];
    for (unsigned i = 0; i < 100; i++)
        buffer_append_format(&path, "/lxc/n%u", i);
    size_t count = cgroup_names_parse((struct span){path.bytes, path.length}, names);
    assert_int_equal(count, CGROUP_NAMES_MOST);
    assert_true(span_is(names[count - 1].id, "n99"));
    assert_int_equal(names[count - 1].end, path.length);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_recognised),
        cmocka_unit_test(ends_tell_whose_cgroup_is_whose),
        cmocka_unit_test(the_outer_one_comes_first),
        cmocka_unit_test(deep_paths_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
