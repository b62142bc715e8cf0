/* SPDX-License-Identifier: Apache-2.0 */
/* The network namespaces of sockets, and of TUN descriptors, which have a socket inside
 * (include/uapi/linux/sockios.h, linux/if_tun.h). */
#ifndef RECORDER_KERNEL_SOCKETS_H
#define RECORDER_KERNEL_SOCKETS_H

#include "recorder/kernel/span.h"

#include <stdbool.h>
#include <stdint.h>

struct statx;

/* The status of a new socket: all are on its device. 0 or a negative errno. */
int socket_status(struct statx *ret_status);

/* What a link of /proc/PID/fd says of a socket: "socket:[4711]". False if it is something else. */
bool socket_parse_link(struct span link, uint64_t *ret_inode);

/* Whether the descriptor is the socket with this inode number. */
bool socket_has_inode(int fd, uint64_t inode);

/* The namespace that the socket, or the TUN descriptor, keeps, as a new descriptor: SIOCGSKNS,
 * kernel 4.10, of a TUN descriptor 5.7. -EPERM without CAP_NET_ADMIN there. */
int socket_open_namespace(int fd);

/* Whether the file is a node of TUN devices, whatever its name: the character device 10:200
 * (Documentation/admin-guide/devices.txt). */
bool tun_is_node(const struct statx *status);

/* Whether this file of /proc/PID/fdinfo is one of the TUN driver, which alone tells a device. */
bool tun_is_fdinfo(struct span fdinfo);

/* The namespace that the device of a TUN descriptor is in, as a new descriptor: TUNGETDEVNETNS,
 * kernel 5.2. -EBADFD while it has no device. */
int tun_open_device_namespace(int fd);

#endif
