/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/cgroup_names.h"

#include "base/text.h"

/* What stands between a pattern's prefix and suffix. */
enum shape {
    RANDOM_ID, /* 64 hexadecimal digits */
    NAME,      /* anything that isn't empty */
    UNIT_NAME, /* ... which systemd has escaped */
};

/* One step of a path, or two when it is told what the step before is called. */
struct pattern {
    const char *parent; /* the step before begins with this; NULL for any */
    const char *prefix, *suffix;
    enum shape shape;
    const char *engine;    /* NULL: what this is no container of */
    const char *id_prefix; /* NULL for none */
};

/* The first one that fits is taken. */
static const struct pattern patterns[] = {
    /* the monitors, which stand beside their containers */
    {NULL, "libpod-conmon-", "", NAME, NULL, NULL},
    {NULL, "crio-conmon-", "", NAME, NULL, NULL},
    {NULL, "lxc.monitor.", "", NAME, NULL, NULL},

    {NULL, "docker-", ".scope", RANDOM_ID, "docker", NULL},
    {"docker", "", "", RANDOM_ID, "docker", NULL},
    {NULL, "libpod-", ".scope", RANDOM_ID, "podman", NULL},
    {NULL, "libpod-payload-", "", RANDOM_ID, "podman", NULL},
    {NULL, "libpod-", "", RANDOM_ID, "podman", NULL},
    {NULL, "cri-containerd-", ".scope", RANDOM_ID, "containerd", "k8s.io/"},
    {NULL, "crio-", ".scope", RANDOM_ID, "cri-o", NULL},
    {NULL, "crio-", "", RANDOM_ID, "cri-o", NULL},
    {NULL, "nerdctl-", ".scope", RANDOM_ID, "containerd", NULL},
    /* Kubernetes with cgroupfs: any engine; below pod<uid>, in kubepods or one of its classes */
    {"pod", "", "", RANDOM_ID, "cri", NULL},

    {NULL, "lxc.payload.", "", NAME, "lxc", NULL},
    {"lxc.payload", "", "", NAME, "lxc", NULL},
    {"lxc", "", "", NAME, "lxc", NULL},
    /* machined has virtual machines too, and those of libvirt */
    {NULL, "machine-qemu\\x2d", "", NAME, NULL, NULL},
    {NULL, "machine-", ".scope", UNIT_NAME, "nspawn", NULL},
    {NULL, "systemd-nspawn@", ".service", UNIT_NAME, "nspawn", NULL},
    {NULL, "snap.", ".scope", UNIT_NAME, "snap", NULL},
    {NULL, "snap.", ".service", UNIT_NAME, "snap", NULL},
    {NULL, "app-flatpak-", ".scope", UNIT_NAME, "flatpak", NULL},
};

/* SLICE:PREFIX:ID, as runc has it from an engine that thinks that systemd makes its cgroups. */
static const struct pattern of_slices[] = {
    {NULL, "docker", "", RANDOM_ID, "docker", NULL},
    {NULL, "libpod", "", RANDOM_ID, "podman", NULL},
    {NULL, "cri-containerd", "", RANDOM_ID, "containerd", "k8s.io/"},
    {NULL, "crio", "", RANDOM_ID, "cri-o", NULL},
    {NULL, "nerdctl", "", RANDOM_ID, "containerd", NULL},
};

static bool is_random_id(struct span text)
{
    enum { DIGITS = 64 };
    for (size_t i = 0; i < text.length; i++)
        if (!((text.bytes[i] >= '0' && text.bytes[i] <= '9') ||
              (text.bytes[i] >= 'a' && text.bytes[i] <= 'f')))
            return false;
    return text.length == DIGITS;
}

/* A step as /docker/ is all of a parent, but the uid of a pod belongs to it. */
static bool is_parent(struct span step, const char *parent)
{
    return strcmp(parent, "pod") == 0 ? span_starts(step, parent) && step.length > strlen(parent)
                                      : span_is(step, parent);
}

static bool ends_with(struct span text, const char *suffix)
{
    size_t length = strlen(suffix);
    return text.length >= length && memcmp(text.bytes + text.length - length, suffix, length) == 0;
}

static bool fits(const struct pattern *pattern, struct span before, struct span step,
                 struct span *ret_id)
{
    size_t prefix = strlen(pattern->prefix), suffix = strlen(pattern->suffix);
    if (pattern->parent && !is_parent(before, pattern->parent))
        return false;
    if (step.length <= prefix + suffix || !span_starts(step, pattern->prefix) ||
        !ends_with(step, pattern->suffix))
        return false;
    *ret_id = (struct span){step.bytes + prefix, step.length - prefix - suffix};
    return pattern->shape != RANDOM_ID || is_random_id(*ret_id);
}

static struct cgroup_name name_of(const struct pattern *pattern, struct span id)
{
    return (struct cgroup_name){.engine = pattern->engine,
                                .prefix = pattern->id_prefix ? pattern->id_prefix : "",
                                .id = id,
                                .escaped = pattern->shape == UNIT_NAME,
                                .is_name = pattern->shape != RANDOM_ID};
}

/* A run of a snap's program has a random UUID behind its name. */
static struct span without_uuid(struct span id)
{
    enum { UUID = 36 };
    size_t name = id.length > UUID ? id.length - UUID - 1 : 0;
    if (!name || id.bytes[name] != '-')
        return id;
    for (size_t i = 0; i < UUID; i++) {
        char c = id.bytes[name + 1 + i];
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
        if (dash ? c != '-' : !digit)
            return id;
    }
    return (struct span){id.bytes, name};
}

static bool parse_of_slice(struct span step, struct cgroup_name *ret_name)
{
    struct span slice, prefix;
    if (!span_take(&step, ':', &slice) || !span_take(&step, ':', &prefix) ||
        !ends_with(slice, ".slice") || !is_random_id(step))
        return false;
    for (size_t i = 0; i < sizeof(of_slices) / sizeof(*of_slices); i++)
        if (span_is(prefix, of_slices[i].prefix)) {
            *ret_name = name_of(&of_slices[i], step);
            return true;
        }
    return false;
}

static bool parse_step(struct span before, struct span step, struct cgroup_name *ret_name)
{
    struct span id;
    for (size_t i = 0; i < sizeof(patterns) / sizeof(*patterns); i++) {
        if (!fits(&patterns[i], before, step, &id))
            continue;
        *ret_name = name_of(&patterns[i], id);
        if (ret_name->engine && strcmp(ret_name->engine, "snap") == 0)
            ret_name->id = without_uuid(id);
        return ret_name->engine;
    }
    return parse_of_slice(step, ret_name);
}

/* systemd-nspawn parts its cgroup in two, where it has one for itself: the container's begins a
 * step further inside, and its keeper is in none of it. */
static bool is_of_keeper(struct span rest, struct cgroup_name *name)
{
    struct span step;
    if (strcmp(name->engine, "nspawn") != 0 || !span_take(&rest, '/', &step))
        return false;
    if (span_is(step, "payload"))
        name->end += 1 + step.length;
    return span_is(step, "supervisor");
}

size_t cgroup_names_parse(struct span path, struct cgroup_name names[static CGROUP_NAMES_MOST])
{
    struct span rest = path, before = {0}, step;
    size_t count = 0;
    while (span_take(&rest, '/', &step)) {
        struct cgroup_name name;
        if (!step.length)
            continue;
        if (parse_step(before, step, &name)) {
            name.end = (size_t)(step.bytes + step.length - path.bytes);
            if (is_of_keeper(rest, &name))
                break;
            count += count < CGROUP_NAMES_MOST;
            names[count - 1] = name;
            step = (struct span){0}; /* an id is nobody's parent */
        }
        before = step;
    }
    return count;
}

static bool take_escaped(struct span *rest, char *ret_byte)
{
    uint64_t number;
    if (!span_starts(*rest, "\\x") || rest->length < 4 ||
        !span_unsigned((struct span){rest->bytes + 2, 2}, 16, &number))
        return false;
    *ret_byte = (char)number;
    *rest = (struct span){rest->bytes + 4, rest->length - 4};
    return true;
}

static void append_id(struct buffer *buffer, const struct cgroup_name *name)
{
    struct span rest = name->id;
    buffer_append_text(buffer, name->prefix);
    while (rest.length) {
        char byte;
        if (!name->escaped || !take_escaped(&rest, &byte)) {
            byte = *rest.bytes;
            rest = (struct span){rest.bytes + 1, rest.length - 1};
        }
        buffer_append_char(buffer, byte);
    }
}

void cgroup_names_append_key(struct buffer *buffer, const char *outer,
                             const struct cgroup_name *names, size_t count)
{
    _cleanup_buffer_ struct buffer ids = {0};
    const char *of_outer = outer ? strchr(outer, ':') : NULL;
    for (size_t i = 0; i < count; i++) {
        append_id(&ids, &names[i]);
        if (i + 1 < count)
            buffer_append_char(&ids, '/');
    }
    buffer_append_format(buffer, "%s:", names[count - 1].engine);
    if (of_outer)
        buffer_append_format(buffer, "%s/", of_outer + 1);
    text_append_captured(buffer, buffer_text(&ids), ids.length);
    buffer->failed |= ids.failed;
}
