/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of containerd and CRI, as whoever listens at an engine's socket may send them. The first
 * byte says which list it is; the rest is parted in two at the first "PART", for the list that is
 * joined with it. Each container and each task or sandbox comes out as often as it went in. */
#include "recorder/engines/containerd_api.h"
#include "recorder/engines/cri_api.h"
#include "tests/fuzz/fuzz.h"

static const char mark[] = {'P', 'A', 'R', 'T'};

struct told {
    size_t first, second; /* how many */
};

/* Reads a string to its end, for the sanitizers to see. */
static void touch(const char *text)
{
    volatile size_t length = strlen(text);
    (void)length;
}

static void touch_container(const Containerd__Container *container)
{
    touch(container->id);
    touch(container->image);
    touch(container->sandbox);
    for (size_t i = 0; i < container->n_labels; i++) {
        touch(container->labels[i]->key);
        touch(container->labels[i]->value);
    }
    for (size_t i = 0; container->spec && i < container->spec->value.len; i++)
        touch((const char[]){(char)container->spec->value.data[i], '\0'});
}

static int take_containerd(void *userdata, const struct containerd_container *whole)
{
    struct told *told = userdata;
    fuzz_check(whole->container || whole->task);
    if (whole->container && whole->task)
        fuzz_check(strcmp(whole->container->id, whole->task->id) == 0);
    if (whole->container) {
        touch_container(whole->container);
        told->first++;
    }
    told->second += whole->task != NULL;
    return 0;
}

static int take_cri(void *userdata, const struct cri_container *whole)
{
    struct told *told = userdata;
    fuzz_check(whole->container || whole->sandbox);
    if (!whole->container) {
        told->second++;
        return 0;
    }
    told->first++;
    if (whole->sandbox)
        fuzz_check(strcmp(whole->container->pod_sandbox_id, whole->sandbox->id) == 0);
    return 0;
}

static const ProtobufCMessage *unpack(const ProtobufCMessageDescriptor *descriptor,
                                      struct span packed, struct arena *arena)
{
    const ProtobufCMessage *message = NULL;
    int r = engine_unpack(descriptor, packed, arena, &message);
    fuzz_check(r == 0 ? message && message->descriptor == descriptor : r == -EPROTO);
    return message;
}

static void check_containerd(struct span packed, struct span others, struct arena *arena)
{
    struct told told = {0};
    const Containerd__ListContainersResponse *containers =
        (const void *)unpack(&containerd__list_containers_response__descriptor, packed, arena);
    const Containerd__ListTasksResponse *tasks =
        (const void *)unpack(&containerd__list_tasks_response__descriptor, others, arena);
    if (!containers)
        return;
    fuzz_check(containerd_join(containers, tasks, take_containerd, &told) == 0);
    fuzz_check(told.first == containers->n_containers);
    fuzz_check(told.second == (tasks ? tasks->n_tasks : 0));
}

static void check_cri(struct span packed, struct span others, struct arena *arena)
{
    struct told told = {0};
    const Cri__ListContainersResponse *containers =
        (const void *)unpack(&cri__list_containers_response__descriptor, packed, arena);
    const Cri__ListPodSandboxResponse *sandboxes =
        (const void *)unpack(&cri__list_pod_sandbox_response__descriptor, others, arena);
    if (!containers || !sandboxes)
        return;
    fuzz_check(cri_join(sandboxes, containers, take_cri, &told) == 0);
    fuzz_check(told.first == containers->n_containers && told.second == sandboxes->n_items);
}

static void check_statuses(struct span packed, struct span others, struct arena *arena)
{
    const Cri__ContainerStatusResponse *container =
        (const void *)unpack(&cri__container_status_response__descriptor, packed, arena);
    const Cri__PodSandboxStatusResponse *sandbox =
        (const void *)unpack(&cri__pod_sandbox_status_response__descriptor, others, arena);
    const char *document = container ? cri_container_document(container) : NULL;
    touch(document ? document : "");
    document = sandbox ? cri_sandbox_document(sandbox) : NULL;
    touch(document ? document : "");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static void (*const checks[])(struct span, struct span,
                                  struct arena *) = {check_containerd, check_cri, check_statuses};
    if (!length)
        return 0;
    struct span packed = {(const char *)bytes + 1, length - 1}, others = {"", 0};
    const char *part = memmem(packed.bytes, packed.length, mark, sizeof(mark));
    if (part) {
        others = (struct span){part + sizeof(mark), 0};
        others.length = packed.length - (size_t)(others.bytes - packed.bytes);
        packed.length = (size_t)(part - packed.bytes);
    }
    struct arena *arena = arena_new();
    if (!arena)
        exit(1);
    checks[bytes[0] % (sizeof(checks) / sizeof(*checks))](packed, others, arena);
    arena_free(arena);
    return 0;
}
