/* bpftime-vm: the network that programs ask about, in C
 * Copyright (c) 2026 The bpftime-vm authors
 * SPDX-License-Identifier: MIT
 *
 * Interfaces, routes, neighbours and sockets, as bpf_fib_lookup(), bpf_sk_lookup_tcp(),
 * bpf_clone_redirect() and the like find them. They are what the host says and not the machine's,
 * so that a program gives the same answer everywhere. Of the library libbpftime-vm-runtime; errors
 * and structs are as ebpf-map.h says.
 *
 *     struct ebpf_network *network = ebpf_network_create();
 *     struct ebpf_interface eth = {.size = sizeof eth, .index = 2};
 *     struct ebpf_route route = {.size = sizeof route, .prefix = "192.0.2.0/24", .ifindex = 2};
 *     ebpf_network_add_interface(network, &eth);
 *     ebpf_network_add_route(network, &route);
 *     packet.network = network;
 *
 * Threads. A network is made and changed by one thread, while no program runs on it; then any
 * number of runs may ask it at once. Addresses are text as inet_pton(3) reads it.
 */
#ifndef EBPF_NETWORK_H
#define EBPF_NETWORK_H

#include "ebpf-map.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ebpf_network;
struct ebpf_owner;

/** A new network, which the caller closes. It has the loopback interface alone, with index 1, which
 * does not forward: what packets are in without one. */
EBPF_EXPORT struct ebpf_network *ebpf_network_create(void);

/** No run that uses it may be in progress. Values that maps keep for its sockets go. NULL is fine.
 */
EBPF_EXPORT void ebpf_network_close(struct ebpf_network *network);

/** What an interface does not do. */
enum ebpf_interface_flag {
    EBPF_INTERFACE_KEEPS_IPV4 = 1,    /**< it does not forward packets of IPv4, */
    EBPF_INTERFACE_KEEPS_IPV6 = 2,    /**< nor of IPv6 */
    EBPF_INTERFACE_HAS_NO_HEADER = 4, /**< its packets begin with the IP header */
};

struct ebpf_interface {
    size_t size;    /**< sizeof(struct ebpf_interface) */
    uint32_t index; /**< not 0 */
    uint32_t flags; /**< enum ebpf_interface_flag */
    uint32_t mtu;   /**< bytes; 0: 1500 */
    uint8_t address[6];
    uint8_t reserved[6];          /**< 0 */
    const char *const *addresses; /**< of IP; copied */
    size_t address_count;
};

/** Adds an interface, or replaces the one with its index. */
EBPF_EXPORT int ebpf_network_add_interface(struct ebpf_network *network,
                                           const struct ebpf_interface *added);

enum ebpf_route_kind {
    EBPF_ROUTE_UNICAST = 0,
    EBPF_ROUTE_LOCAL = 1, /**< to the host itself */
    EBPF_ROUTE_BLACKHOLE = 2,
    EBPF_ROUTE_UNREACHABLE = 3,
    EBPF_ROUTE_PROHIBIT = 4,
};

struct ebpf_route {
    size_t size;         /**< sizeof(struct ebpf_route) */
    const char *prefix;  /**< "192.0.2.0/24", "::/0" */
    const char *gateway; /**< NULL: none, the destination is a neighbour */
    const char *source;  /**< address to send from; NULL: the interface's first one */
    uint32_t ifindex;    /**< 0: none, as it leads nowhere */
    uint32_t kind;       /**< enum ebpf_route_kind */
    uint32_t mtu;        /**< locked, in bytes; 0: the interface's */
    uint32_t metric;     /**< of equal prefixes the lowest counts */
    uint32_t table;      /**< 0: the main table, 254; lookups ask 255, 254, 253 in this order */
};

EBPF_EXPORT int ebpf_network_add_route(struct ebpf_network *network,
                                       const struct ebpf_route *added);

struct ebpf_neighbour {
    size_t size;         /**< sizeof(struct ebpf_neighbour) */
    const char *address; /**< of IP */
    uint32_t ifindex;
    uint8_t link_address[6];
    uint8_t reserved[2]; /**< 0 */
};

EBPF_EXPORT int ebpf_network_add_neighbour(struct ebpf_network *network,
                                           const struct ebpf_neighbour *added);

/** A socket, as programs see it: struct bpf_sock of linux/bpf.h. */
struct ebpf_socket {
    size_t size;          /**< sizeof(struct ebpf_socket) */
    const char *local;    /**< its own address: "0.0.0.0" and "::" take all of their version, */
    const char *remote;   /**< and its peer's; NULL: it is not connected */
    uint16_t local_port;  /**< in host byte order */
    uint16_t remote_port; /**< the same; 0: it is not connected */
    uint32_t protocol;    /**< 6: TCP, 17: UDP */
    uint32_t state;       /**< of TCP, the kernel's number: 1 connected, 10 listening; 0: 1 or 10 */
    uint32_t bound_ifindex; /**< that its packets must come in on; 0: any */
    uint32_t mark;
    uint32_t priority;
    /** What programs see of its connection: a struct bpf_tcp_sock of linux/bpf.h, or its beginning;
     * NULL: nothing, and bpf_tcp_sock() gives programs none. Copied. */
    const void *tcp;
    size_t tcp_size;
    /** Whose values maps of socket storage keep (ebpf-host.h), of kind EBPF_OWNER_SOCKET; NULL: it
     * gets one of its own, which ends with the network. The caller may close it before. */
    const struct ebpf_owner *owner;
};

/** Adds a socket; *number (may be NULL) is how hosts name it, as the key of maps of socket storage
 * and the value of maps of sockets: no other owner has it at the same time. */
EBPF_EXPORT int ebpf_network_add_socket(struct ebpf_network *network,
                                        const struct ebpf_socket *added, uint32_t *number);

/** A connection that a program asks about: bpf_sk_lookup_tcp() and the like. */
struct ebpf_connection {
    size_t size;          /**< sizeof(struct ebpf_connection) */
    uint32_t protocol;    /**< 6: TCP, 17: UDP */
    uint32_t ifindex;     /**< that its packets come in on */
    uint8_t local[16];    /**< where they go: 4 bytes of IPv4, or all of IPv6 */
    uint8_t remote[16];   /**< where they are from */
    uint16_t local_port;  /**< in host byte order */
    uint16_t remote_port; /**< the same */
    uint32_t is_ipv6;
};

/** Finds the socket that packets of the connection go to: 1 and what *found says, of which the size
 * is set and the rest is zero, or 0: there is none. What it points to is read at once, and may go
 * with the next call on the same thread. A socket without `owner` has no values in maps of socket
 * storage, and no number. What makes no socket counts as none, and so does what is found in a run
 * after 1,024 others: they stay until it ends, even if the program gives them back. Called by any
 * thread that runs programs, by several at once. */
typedef int (*ebpf_socket_lookup_fn)(void *context, const struct ebpf_connection *wanted,
                                     struct ebpf_socket *found);

/** Asks the host first for sockets of connections, and then those that were added. NULL: only
 * these, as at first. */
EBPF_EXPORT int ebpf_network_set_socket_lookup(struct ebpf_network *network,
                                               ebpf_socket_lookup_fn lookup, void *context);

/** Adds what a document says: {"interfaces": [{"index": 2, "address": "02:00:00:00:00:02",
 * "mtu": 1500, "addresses": ["192.0.2.1"], "forwards_ipv4": true, "forwards_ipv6": true,
 * "has_header": true}], "routes": [{"prefix": "192.0.2.0/24", "interface": 2, "gateway": ..,
 * "source": .., "mtu": .., "metric": .., "kind": "unicast", "table": 254}], "neighbours":
 * [{"interface": 2, "address": "192.0.2.7", "link": "02:00:00:00:00:07"}], "sockets":
 * [{"protocol": "tcp", "local": "0.0.0.0", "local_port": 80, "remote": .., "remote_port": ..,
 * "state": .., "interface": .., "mark": .., "priority": ..}]}. Numbers may be texts, as "0x11".
 * What is left out is as in the structs. Stops at the first error, with what it did before done. */
EBPF_EXPORT int ebpf_network_load_json(struct ebpf_network *network, const char *json);

/* ----------------------------------------------------------------------------------------------
 * tunnels */

/** The tunnel that a packet came out of (bpf_skb_get_tunnel_key()), or that a program wants it to
 * go into (bpf_skb_set_tunnel_key()). Zero-initialise it. */
struct ebpf_tunnel {
    size_t size;             /**< sizeof(struct ebpf_tunnel) */
    uint32_t is_present;     /**< in, out: 0: there is none, whatever the rest says */
    uint32_t is_outgoing;    /**< out: 1: a program has set it */
    uint64_t id;             /**< in, out, as all that follows */
    uint8_t source[16];      /**< of the outer header: 4 bytes of IPv4, or all of IPv6 */
    uint8_t destination[16]; /**< the same */
    uint32_t is_ipv6;
    uint32_t flow_label;
    uint16_t flags;  /**< TUNNEL_.. of linux/if_tunnel.h, in host byte order */
    uint8_t service; /**< type of service */
    uint8_t hops;    /**< time to live */
    uint32_t reserved;
    void *options; /**< of Geneve, VXLAN or ERSPAN; may be NULL */
    size_t options_size;
    size_t
        options_capacity; /**< in: bytes at `options`; what is longer is cut, options_size tells */
};

#ifdef __cplusplus
}
#endif

#endif
