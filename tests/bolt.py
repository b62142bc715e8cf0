# SPDX-License-Identifier: Apache-2.0
"""Writes a bbolt database (https://github.com/etcd-io/bbolt), as containerd and Podman keep theirs.

    database({"v1": {"version": b"\\6", "default": {"containers": {"web": {"image": "shop:1"}}}}})

Keys and values are bytes or text; what is a dictionary becomes a bucket. The real databases have pages of branches, too,
which no bucket of a test needs: its page grows instead.
"""

import struct

PAGE = 4096
META, LEAF, FREE_LIST = 4, 2, 16


def _bytes(value):
    return value if isinstance(value, bytes) else value.encode()


def _checksum(data):
    """FNV-1a."""
    digest = 0xCBF29CE484222325
    for byte in data:
        digest = (digest ^ byte) * 0x100000001B3 % 2**64
    return digest


class _Writer:
    def __init__(self, page_size):
        self.page_size = page_size
        self.pages = {}  # behind the two meta pages
        self.next = 2

    def page(self, flags, count, data):
        """Adds a page and what it overflows into; returns its number."""
        number, size = self.next, 16 + len(data)
        overflow = (size - 1) // self.page_size
        self.next += overflow + 1
        self.pages[number] = (struct.pack("<QHHI", number, flags, count, overflow) + data).ljust(
            (overflow + 1) * self.page_size, b"\0")
        return number

    def bucket(self, items):
        """The elements of the page of a bucket, and their data."""
        elements, data = b"", b""
        position = 16 * len(items)
        for key, value in sorted((_bytes(key), value) for key, value in items.items()):
            is_bucket = isinstance(value, dict)
            value = self.value(value) if is_bucket else _bytes(value)
            elements += struct.pack("<IIII", is_bucket, position + len(data) - len(elements), len(key), len(value))
            data += key + value
        return elements + data

    def value(self, items):
        """A small bucket without others in it stands in the page of its parent."""
        content = self.bucket(items)
        if len(content) <= self.page_size // 4 and not any(isinstance(value, dict) for value in items.values()):
            return struct.pack("<QQQHHI", 0, 0, 0, LEAF, len(items), 0) + content
        return struct.pack("<QQ", self.page(LEAF, len(items), content), 0)


def database(tree, page_size=PAGE):
    writer = _Writer(page_size)
    root = writer.page(LEAF, len(tree), writer.bucket(tree))
    free = writer.page(FREE_LIST, 0, b"")
    written = b""
    for number in (0, 1):
        meta = struct.pack("<IIIIQQQQQ", 0xED0CDAED, 2, page_size, 0, root, 0, free, writer.next, number)
        page = struct.pack("<QHHI", number, META, 0, 0) + meta + struct.pack("<Q", _checksum(meta))
        written += page.ljust(page_size, b"\0")
    return written + b"".join(writer.pages[number] for number in sorted(writer.pages))
