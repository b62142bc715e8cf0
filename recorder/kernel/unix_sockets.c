/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/kernel/unix_sockets.h"

/* Num RefCount Protocol Flags Type St Inode Path, in net/unix/af_unix.c: unix_seq_show(). Flags has
 * __SO_ACCEPTCON for one that listens. */
enum { ACCEPTS = 0x10000, STREAM = 1 };

static bool take_number(struct span *rest, unsigned base, uint64_t *ret_number)
{
    struct span word;
    return span_take_word(rest, &word) && span_unsigned(word, base, ret_number);
}

static bool parse_line(struct span line, struct unix_listener *ret_listener)
{
    struct span address;
    uint64_t references, protocol, flags, type, state;
    if (!span_take_word(&line, &address) || !address.length ||
        address.bytes[address.length - 1] != ':' || !take_number(&line, 16, &references) ||
        !take_number(&line, 16, &protocol) || !take_number(&line, 16, &flags) ||
        !take_number(&line, 16, &type) || !take_number(&line, 16, &state) ||
        !take_number(&line, 10, &ret_listener->inode))
        return false;
    if (!(flags & ACCEPTS) || type != STREAM || line.length < 2 || line.bytes[0] != ' ')
        return false;
    ret_listener->path = (struct span){line.bytes + 1, line.length - 1};
    return true;
}

int unix_sockets_parse(const char *bytes, size_t length,
                       int (*each)(void *userdata, const struct unix_listener *listener),
                       void *userdata)
{
    struct span rest = {bytes, length}, line;
    int r = 0;
    while (r >= 0 && span_take(&rest, '\n', &line)) {
        struct unix_listener listener;
        if (parse_line(line, &listener))
            r = each(userdata, &listener);
    }
    return r < 0 ? r : 0;
}
