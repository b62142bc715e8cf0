/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/engines/bolt.h"

#include "base/buffer.h"

#include <sys/stat.h>

/* bbolt's internal/common: page.go, meta.go, bucket.go. Offsets and sizes in bytes. */
enum {
    PAGE_HEADER = 16, /* number (8), flags (2), count of elements (2), pages more than one (4) */
    PAGE_FLAGS = 8,
    PAGE_COUNT = 10,
    PAGE_OVERFLOW = 12,

    PAGE_IS_BRANCH = 1,
    PAGE_IS_LEAF = 2,
    PAGE_IS_META = 4,

    ELEMENT = 16, /* of a branch: position (4), key (4), page (8) */
    BRANCH_PAGE = 8,
    ITEM_POSITION = 4, /* of a leaf: flags (4), position (4), key (4), value (4) */
    ITEM_HAS_BUCKET = 1,

    BUCKET_HEADER = 16, /* page (8), sequence (8) */

    META = 64, /* magic, version, size of pages, flags (4 each), bucket (16), ... */
    META_VERSION = 4,
    META_PAGE_SIZE = 8,
    META_ROOT = 16,
    META_PAGES = 40,
    META_TRANSACTION = 48,
    META_CHECKSUM = 56,

    VERSION = 2,
    PAGE_SIZE_LEAST = 1 << 10,
    PAGE_SIZE_MOST = 1 << 16,
    DEEPEST = 32 /* two elements a page would be 2^32 pages */
};
static const uint32_t magic = 0xED0CDAED;
static const uint64_t page_bytes_most = 64 << 20;

/* What may be read: a few times the file, as what is looked for by key is on pages that were read
 * before. */
static const uint64_t read_times = 8, read_least = 16 << 20, read_most = 1 << 30;

static uint16_t get_16(const char *bytes)
{
    uint16_t number;
    memcpy(&number, bytes, sizeof(number));
    return number;
}

static uint32_t get_32(const char *bytes)
{
    uint32_t number;
    memcpy(&number, bytes, sizeof(number));
    return number;
}

static uint64_t get_64(const char *bytes)
{
    uint64_t number;
    memcpy(&number, bytes, sizeof(number));
    return number;
}

static int read_all(int fd, char *bytes, size_t length, uint64_t offset)
{
    while (length) {
        ssize_t n = pread(fd, bytes, length, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EBADMSG;
        bytes += n;
        length -= (size_t)n;
        offset += (uint64_t)n;
    }
    return 0;
}

/* ---- the meta pages ---- */

/* FNV-1a. */
static uint64_t checksum(const char *bytes, size_t length)
{
    uint64_t sum = 0xcbf29ce484222325;
    for (size_t i = 0; i < length; i++)
        sum = (sum ^ (uint8_t)bytes[i]) * 0x100000001b3;
    return sum;
}

static bool is_page_size(uint32_t size)
{
    return size >= PAGE_SIZE_LEAST && size <= PAGE_SIZE_MOST && !(size & (size - 1));
}

/* Takes the meta page at the offset if it is whole, and newer than what is known. */
static void take_meta(int fd, uint64_t offset, struct bolt *newest)
{
    char page[PAGE_HEADER + META];
    const char *meta = page + PAGE_HEADER;
    if (read_all(fd, page, sizeof(page), offset) < 0 || !(get_16(page + PAGE_FLAGS) & PAGE_IS_META))
        return;
    if (get_32(meta) != magic || get_32(meta + META_VERSION) != VERSION ||
        !is_page_size(get_32(meta + META_PAGE_SIZE)) ||
        get_64(meta + META_CHECKSUM) != checksum(meta, META_CHECKSUM))
        return;
    if (newest->page_size && get_64(meta + META_TRANSACTION) <= newest->transaction)
        return;
    newest->page_size = get_32(meta + META_PAGE_SIZE);
    newest->root = get_64(meta + META_ROOT);
    newest->pages = get_64(meta + META_PAGES);
    newest->transaction = get_64(meta + META_TRANSACTION);
}

/* Page 0 and page 1, of which one may have been torn when it was written. How long they are is in
 * them. */
static int take_newest(int fd, struct bolt *newest)
{
    newest->page_size = 0;
    take_meta(fd, 0, newest);
    uint32_t known = newest->page_size;
    for (uint32_t size = PAGE_SIZE_LEAST; size <= PAGE_SIZE_MOST; size *= 2)
        if (!known || known == size)
            take_meta(fd, size, newest);
    return newest->page_size ? 0 : -EBADMSG;
}

static uint64_t clamp(uint64_t bytes)
{
    return bytes < read_least ? read_least : bytes > read_most ? read_most : bytes;
}

int bolt_open(int fd, struct bolt *ret_bolt)
{
    struct stat status;
    struct bolt bolt = {.fd = fd};
    if (fstat(fd, &status) < 0)
        return -errno;
    int r = take_newest(fd, &bolt);
    if (r < 0)
        return r;
    uint64_t size = (uint64_t)status.st_size;
    if (bolt.pages > size / bolt.page_size)
        bolt.pages = size / bolt.page_size;
    bolt.bytes_left = clamp(size < read_most ? size * read_times : read_most);
    *ret_bolt = bolt;
    return 0;
}

bool bolt_is_unchanged(const struct bolt *bolt)
{
    struct bolt now;
    return take_newest(bolt->fd, &now) >= 0 && now.transaction == bolt->transaction;
}

struct bolt_bucket bolt_root(const struct bolt *bolt)
{
    return (struct bolt_bucket){.page = bolt->root};
}

/* ---- pages ---- */

/* The page with what it overflows into. A page says which one it is: that tells one that was used
 * again since for other pages' overflow. */
static int read_page(struct bolt *bolt, uint64_t number, struct buffer *into)
{
    char header[PAGE_HEADER];
    uint64_t offset = number * bolt->page_size;
    if (number >= bolt->pages)
        return -EBADMSG;
    int r = read_all(bolt->fd, header, sizeof(header), offset);
    if (r < 0)
        return r;
    uint64_t count = (uint64_t)get_32(header + PAGE_OVERFLOW) + 1;
    uint64_t bytes = count * bolt->page_size;
    if (get_64(header) != number || count > bolt->pages - number)
        return -EBADMSG;
    if (bytes > page_bytes_most || bytes > bolt->bytes_left)
        return -EFBIG;
    bolt->bytes_left -= bytes;
    char *room = buffer_reserve(into, bytes);
    if (!room)
        return -ENOMEM;
    r = read_all(bolt->fd, room, bytes, offset);
    if (r >= 0)
        buffer_commit(into, bytes);
    return r;
}

/* What an element of a page says of its key and what comes behind it, which stand behind all
 * elements in their order. `end` is where the last one ended. */
static bool take_data(struct span page, size_t element, uint32_t position, uint64_t length,
                      size_t *end, const char **ret_data)
{
    uint64_t begin = element + (uint64_t)position;
    if (begin < *end || begin > page.length || length > page.length - begin)
        return false;
    *end = begin + length;
    *ret_data = page.bytes + begin;
    return true;
}

/* The elements of a page of the kind, and where their data may begin. */
static bool count_elements(struct span page, unsigned flag, size_t *ret_count, size_t *ret_end)
{
    if (page.length < PAGE_HEADER || !(get_16(page.bytes + PAGE_FLAGS) & flag))
        return false;
    *ret_count = get_16(page.bytes + PAGE_COUNT);
    *ret_end = PAGE_HEADER + *ret_count * ELEMENT;
    return *ret_end <= page.length;
}

/* ---- the tree ---- */

/* What is looked for, and who is told. */
struct walk {
    struct bolt *bolt;
    const struct span *wanted; /* NULL: everything */
    bolt_take take;
    void *userdata;
};

static bool take_item(struct span page, size_t number, size_t *end, struct bolt_item *ret_item)
{
    size_t element = PAGE_HEADER + number * ELEMENT;
    const char *item = page.bytes + element, *data;
    uint32_t key = get_32(item + 8), value = get_32(item + 12);
    if (!take_data(page, element, get_32(item + ITEM_POSITION), (uint64_t)key + value, end, &data))
        return false;
    *ret_item = (struct bolt_item){.key = {data, key}, .value = {data + key, value}};
    if (!(get_32(item) & ITEM_HAS_BUCKET))
        return true;
    if (value < BUCKET_HEADER)
        return false;
    ret_item->bucket.page = get_64(data + key);
    if (!ret_item->bucket.page)
        ret_item->bucket.inlined = (struct span){data + key + BUCKET_HEADER, value - BUCKET_HEADER};
    ret_item->value = (struct span){0};
    return true;
}

static int walk_leaf(const struct walk *walk, struct span page)
{
    size_t count, end;
    struct bolt_item item;
    if (!count_elements(page, PAGE_IS_LEAF, &count, &end))
        return -EBADMSG;
    for (size_t i = 0; i < count; i++) {
        if (!take_item(page, i, &end, &item))
            return -EBADMSG;
        int r = walk->wanted && !span_equal(*walk->wanted, item.key)
                    ? 0
                    : walk->take(walk->userdata, walk->bolt, &item);
        if (r < 0)
            return r;
    }
    return 0;
}

static int walk_page(const struct walk *walk, uint64_t number, unsigned depth);

/* A branch has the first key of each of its pages. Who looks for one goes to the last page that
 * begins not behind it. */
static int walk_branch(const struct walk *walk, struct span page, unsigned depth)
{
    size_t count, end;
    uint64_t last = 0;
    const char *key;
    if (!count_elements(page, PAGE_IS_BRANCH, &count, &end) || !count)
        return -EBADMSG;
    for (size_t i = 0; i < count; i++) {
        size_t element = PAGE_HEADER + i * ELEMENT;
        const char *branch = page.bytes + element;
        uint32_t length = get_32(branch + 4);
        if (!take_data(page, element, get_32(branch), length, &end, &key))
            return -EBADMSG;
        int r = 0;
        if (!walk->wanted)
            r = walk_page(walk, get_64(branch + BRANCH_PAGE), depth + 1);
        else if (!last || span_compare((struct span){key, length}, *walk->wanted) <= 0)
            last = get_64(branch + BRANCH_PAGE);
        if (r < 0)
            return r;
    }
    return walk->wanted ? walk_page(walk, last, depth + 1) : 0;
}

static int walk_page(const struct walk *walk, uint64_t number, unsigned depth)
{
    _cleanup_buffer_ struct buffer bytes = {0};
    if (depth > DEEPEST)
        return -ELOOP;
    int r = read_page(walk->bolt, number, &bytes);
    if (r < 0)
        return r;
    struct span page = {bytes.bytes, bytes.length};
    return get_16(page.bytes + PAGE_FLAGS) & PAGE_IS_BRANCH ? walk_branch(walk, page, depth)
                                                            : walk_leaf(walk, page);
}

static int walk_bucket(const struct walk *walk, const struct bolt_bucket *bucket)
{
    return bucket->page ? walk_page(walk, bucket->page, 0) : walk_leaf(walk, bucket->inlined);
}

int bolt_each(struct bolt *bolt, const struct bolt_bucket *bucket, bolt_take take, void *userdata)
{
    const struct walk walk = {.bolt = bolt, .take = take, .userdata = userdata};
    return walk_bucket(&walk, bucket);
}

int bolt_find(struct bolt *bolt, const struct bolt_bucket *bucket, struct span key, bolt_take take,
              void *userdata)
{
    const struct walk walk = {.bolt = bolt, .wanted = &key, .take = take, .userdata = userdata};
    return walk_bucket(&walk, bucket);
}

int bolt_read(int fd, int (*load)(void *userdata, struct bolt *bolt), void *userdata)
{
    enum { TRIES = 8 };
    struct bolt bolt;
    for (unsigned tries = 0; tries < TRIES; tries++) {
        int r = bolt_open(fd, &bolt);
        if (r < 0 || (r = load(userdata, &bolt)) == -ENOMEM || bolt_is_unchanged(&bolt))
            return r;
    }
    return -EAGAIN;
}
