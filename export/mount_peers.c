/* SPDX-License-Identifier: Apache-2.0 */
#include "export/mount_peers.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

/* More edges than this between two clusters become one. */
enum { EDGES_SHOWN = 3 };

struct link {
    const struct mount_peer *from, *to;
};

struct links {
    struct link *links;
    size_t count, capacity;
};

static void links_free(struct links *links)
{
    free(links->links);
}

void mount_peers_free(struct mount_peers *peers)
{
    arena_free(peers->arena);
    free(peers->peers);
    *peers = (struct mount_peers){0};
}

static int add_peer(struct mount_peers *peers, int64_t group, bool slave, const char *node,
                    const char *cluster)
{
    if (peers->count == peers->capacity) {
        size_t more = peers->capacity ? 2 * peers->capacity : 64;
        struct mount_peer *grown = reallocarray(peers->peers, more, sizeof *grown);
        if (!grown)
            return error_memory();
        peers->peers = grown;
        peers->capacity = more;
    }
    peers->peers[peers->count] = (struct mount_peer){group, slave, node, cluster, peers->count};
    peers->count++;
    return 0;
}

int mount_peers_add(struct mount_peers *peers, const struct record *mount,
                    const struct buffer *node, const struct buffer *cluster)
{
    if (!record_has(mount, MOUNT_SHARED_GROUP) && !record_has(mount, MOUNT_MASTER))
        return 0;
    if (!peers->arena && !(peers->arena = arena_new()))
        return error_memory();
    const char *node_id = arena_copy(peers->arena, buffer_text(node), node->length);
    const char *cluster_id = arena_copy(peers->arena, buffer_text(cluster), cluster->length);
    if (!node_id || !cluster_id || node->failed || cluster->failed)
        return error_memory();
    int r = 0;
    if (record_has(mount, MOUNT_SHARED_GROUP))
        r = add_peer(peers, record_integer(mount, MOUNT_SHARED_GROUP, 0), false, node_id,
                     cluster_id);
    if (r >= 0 && record_has(mount, MOUNT_MASTER))
        r = add_peer(peers, record_integer(mount, MOUNT_MASTER, 0), true, node_id, cluster_id);
    return r;
}

/* Those of one node stand together. */
static int compare_peers(const void *left, const void *right)
{
    const struct mount_peer *a = left, *b = right;
    if (a->group != b->group)
        return a->group < b->group ? -1 : 1;
    if (a->slave != b->slave)
        return a->slave ? 1 : -1;
    int order = strcmp(a->node, b->node);
    return order ? order : (a->sequence > b->sequence) - (a->sequence < b->sequence);
}

static int add_link(struct links *links, const struct mount_peer *from, const struct mount_peer *to)
{
    if (links->count == links->capacity) {
        size_t more = links->capacity ? 2 * links->capacity : 64;
        struct link *grown = reallocarray(links->links, more, sizeof *grown);
        if (!grown)
            return error_memory();
        links->links = grown;
        links->capacity = more;
    }
    links->links[links->count++] = (struct link){from, to};
    return 0;
}

/* The same node with the same part: it stands for several mounts of namespaces that are alike. */
static bool is_repeated(const struct mount_peer *before, const struct mount_peer *peer)
{
    return before->group == peer->group && before->slave == peer->slave &&
           strcmp(before->node, peer->node) == 0;
}

/* Each group is a star: its first member with its members in other namespaces, and with its slaves.
 * A group none of whose members is drawn has no edges. */
static int find_links(const struct mount_peers *peers, struct links *links)
{
    const struct mount_peer *first = NULL;
    for (size_t i = 0; i < peers->count; i++) {
        const struct mount_peer *peer = &peers->peers[i];
        if (!first || first->group != peer->group)
            first = peer;
        if (first == peer || first->slave || strcmp(first->node, peer->node) == 0 ||
            is_repeated(peer - 1, peer))
            continue;
        if (!peer->slave && strcmp(first->cluster, peer->cluster) == 0)
            continue;
        int r = add_link(links, first, peer);
        if (r < 0)
            return r;
    }
    return 0;
}

/* Links of the same kind between the same clusters, then nodes, stand together. */
static int compare_clusters(const struct link *a, const struct link *b)
{
    int order = strcmp(a->from->cluster, b->from->cluster);
    if (!order)
        order = strcmp(a->to->cluster, b->to->cluster);
    return order ? order : a->to->slave - b->to->slave;
}

static int compare_nodes(const struct link *a, const struct link *b)
{
    int order = compare_clusters(a, b);
    if (!order)
        order = strcmp(a->from->node, b->from->node);
    return order ? order : strcmp(a->to->node, b->to->node);
}

static int compare_links(const void *left, const void *right)
{
    const struct link *a = left, *b = right;
    int order = compare_nodes(a, b);
    return order ? order : compare_peers(a->to, b->to);
}

static void draw_link(struct dot *dot, const struct link *link)
{
    dot_add_edge(dot, &(struct dot_edge){
                          .from = link->from->node,
                          .to = link->to->node,
                          .line = link->to->slave ? DOT_SLAVE : DOT_PEERS,
                      });
}

static void draw_joint_link(struct dot *dot, const struct link *link, size_t mounts)
{
    char label[64];
    snprintf(label, sizeof label, link->to->slave ? "%zu mounts receive" : "%zu mounts are peers",
             mounts);
    dot_add_edge(dot, &(struct dot_edge){
                          .from = link->from->node,
                          .to = link->to->node,
                          .tail = link->from->cluster,
                          .head = link->to->cluster,
                          .label = label,
                          .line = link->to->slave ? DOT_SLAVE : DOT_PEERS,
                      });
}

/* Links [begin, end) are of one kind between the same two clusters; `edges` of them join nodes that
 * no earlier one joined. */
static void draw_links(struct dot *dot, const struct link *begin, const struct link *end,
                       size_t edges)
{
    if (edges > EDGES_SHOWN && strcmp(begin->from->cluster, begin->to->cluster) != 0) {
        draw_joint_link(dot, begin, (size_t)(end - begin));
        return;
    }
    for (const struct link *link = begin; link < end; link++)
        if (link == begin || compare_nodes(link - 1, link) != 0)
            draw_link(dot, link);
}

int mount_peers_draw(struct mount_peers *peers, struct dot *dot)
{
    _cleanup_(links_free) struct links links = {0};
    if (peers->count)
        qsort(peers->peers, peers->count, sizeof *peers->peers, compare_peers);
    int r = find_links(peers, &links);
    if (r < 0)
        return r;
    if (links.count)
        qsort(links.links, links.count, sizeof *links.links, compare_links);
    for (size_t begin = 0, end; begin < links.count; begin = end) {
        size_t edges = 1;
        for (end = begin + 1; end < links.count; end++) {
            if (compare_clusters(&links.links[begin], &links.links[end]) != 0)
                break;
            edges += compare_nodes(&links.links[end - 1], &links.links[end]) != 0;
        }
        draw_links(dot, &links.links[begin], &links.links[end], edges);
    }
    return 0;
}
