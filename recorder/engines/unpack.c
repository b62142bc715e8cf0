/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/engines/unpack.h"

#include "base/error.h"

enum { PIECE_COSTS = 16 /* bytes, at most, for its alignment */ };

struct budget {
    struct arena *arena;
    size_t left;
    int code; /* why it gave no more, negative errno */
};

static void *take(void *userdata, size_t size)
{
    struct budget *budget = userdata;
    if (size > budget->left || budget->left - size < PIECE_COSTS) {
        budget->code = -EFBIG;
        return NULL;
    }
    budget->left -= size + PIECE_COSTS;
    void *piece = arena_take(budget->arena, size);
    if (!piece)
        budget->code = -ENOMEM;
    return piece;
}

/* Goes with the arena. */
static void leave(void *userdata, void *piece)
{
    (void)userdata;
    (void)piece;
}

int engine_unpack(const ProtobufCMessageDescriptor *descriptor, struct span packed,
                  struct arena *arena, const ProtobufCMessage **ret_message)
{
    struct budget budget = {.arena = arena, .left = ENGINE_UNPACKED_MOST};
    ProtobufCAllocator allocator = {.alloc = take, .free = leave, .allocator_data = &budget};
    const ProtobufCMessage *message = protobuf_c_message_unpack(
        descriptor, &allocator, packed.length, (const uint8_t *)packed.bytes);
    if (!message)
        return budget.code ? budget.code : -EPROTO;
    *ret_message = message;
    return 0;
}

static int pack(const ProtobufCMessage *message, struct buffer *into)
{
    size_t length = protobuf_c_message_get_packed_size(message);
    char *room = buffer_reserve(into, length);
    if (!room)
        return error_memory();
    buffer_commit(into, protobuf_c_message_pack(message, (uint8_t *)room));
    return 0;
}

static int explain(const struct engine_method *method, int code)
{
    if (code == -ENOMEM)
        return error_memory();
    if (code == -EFBIG)
        return error_set(EFBIG, "the answer to %s takes too much memory", method->path);
    return error_set(-code, "the answer to %s is no %s", method->path, method->response->name);
}

int engine_call(struct engine_client *client, const struct engine_method *method,
                const struct engine_metadata *metadata, const ProtobufCMessage *request,
                struct arena *arena, const ProtobufCMessage **ret_response)
{
    _cleanup_buffer_ struct buffer packed = {0}, answer = {0};
    int r = pack(request, &packed);
    if (r < 0 || (r = engine_client_call(client, method->path, metadata, packed.bytes,
                                         packed.length, &answer)) < 0)
        return r;
    r = engine_unpack(method->response, (struct span){buffer_text(&answer), answer.length}, arena,
                      ret_response);
    return r < 0 ? explain(method, r) : 0;
}
