// bpftime-vm: an XDP firewall as users write one; parses VLAN, IPv4, IPv6, TCP, UDP and ICMP
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
//
// The kernel's verifier accepts this file as it stands, and so does bpftime-vm. It needs no maps,
// no global data and no helpers.
//
//   XDP_ABORTED  a header does not fit into the frame, or claims a length that cannot be true
//   XDP_DROP     more than two VLAN tags
//                IPv4: a source that is loopback, multicast, reserved or the destination itself;
//                a private source on the transit VLAN; source routing; more than ten options;
//                a fragment that starts at byte 8, ends beyond 64 KiB or cuts the TCP header short
//                IPv6: a source that is loopback, multicast or the destination itself; a routing
//                header of type 0; more than four extension headers; a fragment as above
//                TCP: flags that no honest stack sends; ports 23, 139, 445 and 2323
//                UDP: oversized NTP answers; any answer of chargen or memcached
//                ICMP: redirect, timestamp and address mask requests; ICMPv6: redirect
//   XDP_TX       an unfragmented echo request to the firewall's own address: answered in place
//   XDP_PASS     everything else

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <stdbool.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define MAX_VLAN_TAGS 2
#define MAX_IPV4_OPTIONS 10
#define MAX_IPV6_EXTENSIONS 4

#define VLAN_NUMBER 0x0fff
#define NO_VLAN 0
#define TRANSIT_VLAN 10  // leads to other networks: private addresses have no business here

#define IPV4(a, b, c, d) ((__u32)(a) << 24 | (__u32)(b) << 16 | (__u32)(c) << 8 | (__u32)(d))

#define OWN_IPV4 IPV4(192, 0, 2, 99)
#define OWN_IPV6_FIRST 0x20010db8  // 2001:db8::99, its first and last 32 bits
#define OWN_IPV6_LAST 0x99

#define IPV4_MORE_FRAGMENTS 0x2000
#define IPV4_FRAGMENT_OFFSET 0x1fff  // in units of 8 bytes
#define IPV4_OPTION_END 0
#define IPV4_OPTION_NOP 1
#define IPV4_OPTION_LOOSE_SOURCE_ROUTE 131
#define IPV4_OPTION_STRICT_SOURCE_ROUTE 137

#define IPV6_MORE_FRAGMENTS 0x0001
#define IPV6_FRAGMENT_OFFSET 0xfff8  // in bytes

#define ICMP_ECHO_REPLY 0
#define ICMP_REDIRECT 5
#define ICMP_ECHO_REQUEST 8
#define ICMP_TIMESTAMP_REQUEST 13
#define ICMP_ADDRESS_MASK_REQUEST 17
#define ICMPV6_ECHO_REQUEST 128
#define ICMPV6_ECHO_REPLY 129
#define ICMPV6_REDIRECT 137

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

#define PORT_CHARGEN 19
#define PORT_TELNET 23
#define PORT_NTP 123
#define PORT_NETBIOS_SESSION 139
#define PORT_SMB 445
#define PORT_TELNET_ALTERNATE 2323
#define PORT_MEMCACHED 11211

#define LARGEST_NTP_PAYLOAD 200  // an answer to "monlist" has 440 bytes and more
#define LARGEST_DATAGRAM 65535

#define FRESH_TTL 64

struct vlan_tag {
    __be16 control;  // priority, drop eligible, 12 bits of VLAN number
    __be16 protocol;
};

/// The first eight bytes of any IPv6 extension header.
struct ipv6_extension {
    __u8 next_header;
    __u8 length;  // beyond these eight bytes, in units of 8; authentication header: units of 4
    union {
        __u8 routing_type;
        __be16 fragment;
    };
    __be32 more;
};

/// ICMP and ICMPv6 alike. (<linux/icmp.h> would draw in headers of the C library's 32-bit variant,
/// which few machines have.)
struct icmp_header {
    __u8 type;
    __u8 code;
    __sum16 checksum;
    __be32 rest;
};

/// What the network layer says about the transport layer: where it is, and how much of it is here.
struct transport {
    void *header;
    __u32 length;  // bytes of this datagram or fragment from `header` on
    __u8 protocol;
    bool fragment;  // more fragments belong to this one
};

/// One's complement checksum after one of its 16-bit words has changed (RFC 1624, equation 3). No
/// incremental update is right for data that has become all zeros; an IP header never does, and an
/// ICMP echo only without identifier, sequence number and payload.
static __always_inline __sum16 checksum_replace(__sum16 checksum, __be16 old, __be16 new) {
    __u32 sum = (__u16)~checksum;
    sum += (__u16)~old;
    sum += new;
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (__sum16)~sum;
}

static __always_inline void set_icmp_type(struct icmp_header *icmp, __u8 type) {
    icmp->checksum =
        checksum_replace(icmp->checksum, bpf_htons(icmp->type << 8), bpf_htons(type << 8));
    icmp->type = type;
}

static __always_inline void swap_macs(struct ethhdr *eth) {
    unsigned char source[ETH_ALEN];

    __builtin_memcpy(source, eth->h_source, ETH_ALEN);
    __builtin_memcpy(eth->h_source, eth->h_dest, ETH_ALEN);
    __builtin_memcpy(eth->h_dest, source, ETH_ALEN);
}

/// A fragment that starts at byte 8 rewrites most of the transport header at reassembly (RFC 1858);
/// one that ends beyond the largest datagram overflows a careless reassembler.
static __always_inline bool is_hostile_fragment(__u32 offset, __u32 length) {
    return offset == 8 || offset + length > LARGEST_DATAGRAM;
}

static __noinline int judge_tcp(struct tcphdr *tcp, void *data_end, __u32 length) {
    if (length < sizeof(*tcp) || (void *)(tcp + 1) > data_end) {
        return XDP_ABORTED;
    }
    if (tcp->doff * 4u < sizeof(*tcp) || tcp->doff * 4u > length) {
        return XDP_ABORTED;
    }

    const __u8 flags = ((const __u8 *)tcp)[13];
    if ((flags & (TCP_SYN | TCP_RST | TCP_ACK)) == 0) {
        return XDP_DROP;  // NULL, FIN and XMAS scans: no connection has such a segment
    }
    if ((flags & TCP_SYN) && (flags & (TCP_FIN | TCP_RST))) {
        return XDP_DROP;
    }

    switch (bpf_ntohs(tcp->dest)) {
    case PORT_TELNET:
    case PORT_TELNET_ALTERNATE:
    case PORT_NETBIOS_SESSION:
    case PORT_SMB: return XDP_DROP;
    default: return XDP_PASS;
    }
}

/// The UDP length counts the whole datagram, so only an unfragmented one must hold it.
static __noinline int judge_udp(struct udphdr *udp, void *data_end, __u32 length, bool fragment) {
    if (length < sizeof(*udp) || (void *)(udp + 1) > data_end) {
        return XDP_ABORTED;
    }
    const __u32 claimed = bpf_ntohs(udp->len);
    if (claimed < sizeof(*udp) || (claimed > length && !fragment)) {
        return XDP_ABORTED;
    }

    switch (bpf_ntohs(udp->source)) {
    case PORT_NTP: return claimed - sizeof(*udp) > LARGEST_NTP_PAYLOAD ? XDP_DROP : XDP_PASS;
    case PORT_CHARGEN:
    case PORT_MEMCACHED: return XDP_DROP;
    default: return XDP_PASS;
    }
}

/// Judges `length` bytes of options, which the frame is known to hold.
static __noinline int judge_ipv4_options(const __u8 *options, void *data_end, __u32 length) {
    __u32 at = 0;

    for (int count = 0; count < MAX_IPV4_OPTIONS && at < length; count++) {
        const __u8 *option = options + at;
        if ((void *)(option + 1) > data_end) {
            return XDP_ABORTED;
        }
        switch (option[0]) {
        case IPV4_OPTION_END: return XDP_PASS;
        case IPV4_OPTION_NOP: at += 1; continue;
        case IPV4_OPTION_LOOSE_SOURCE_ROUTE:
        case IPV4_OPTION_STRICT_SOURCE_ROUTE: return XDP_DROP;
        default: break;
        }
        if ((void *)(option + 2) > data_end || option[1] < 2 || at + option[1] > length) {
            return XDP_ABORTED;
        }
        at += option[1];
    }
    return at < length ? XDP_DROP : XDP_PASS;
}

/// Judges what both IP versions carry alike.
static __always_inline int judge_tcp_or_udp(const struct transport *transport, void *data_end) {
    switch (transport->protocol) {
    case IPPROTO_TCP:
        if (transport->fragment && transport->length < sizeof(struct tcphdr)) {
            return XDP_DROP;  // hides the flags in the second fragment (RFC 1858)
        }
        return judge_tcp(transport->header, data_end, transport->length);
    case IPPROTO_UDP:
        return judge_udp(transport->header, data_end, transport->length, transport->fragment);
    default: return XDP_PASS;
    }
}

static __always_inline bool in_network(__u32 address, __u32 network, int prefix) {
    return (address ^ network) >> (32 - prefix) == 0;
}

static __always_inline bool is_private(__u32 address) {
    return in_network(address, IPV4(10, 0, 0, 0), 8) ||
           in_network(address, IPV4(172, 16, 0, 0), 12) ||
           in_network(address, IPV4(192, 168, 0, 0), 16) ||
           in_network(address, IPV4(169, 254, 0, 0), 16) ||  // link local
           in_network(address, IPV4(100, 64, 0, 0), 10);     // behind a carrier's NAT
}

static __always_inline bool is_forged_ipv4_source(const struct iphdr *ip, __u16 vlan) {
    const __u32 source = bpf_ntohl(ip->saddr);

    return in_network(source, IPV4(127, 0, 0, 0), 8) ||
           in_network(source, IPV4(224, 0, 0, 0), 3) ||  // multicast and reserved
           ip->saddr == ip->daddr || (vlan == TRANSIT_VLAN && is_private(source));
}

/// Turns an echo request to OWN_IPV4 into the reply. The addresses only change places, which no
/// checksum notices; type and time to live do change.
static __always_inline int answer_ping(struct ethhdr *eth, struct iphdr *ip,
                                       struct icmp_header *icmp) {
    const __be16 old_ttl = bpf_htons(ip->ttl << 8);
    const __be32 client = ip->saddr;

    swap_macs(eth);
    ip->saddr = ip->daddr;
    ip->daddr = client;
    ip->ttl = FRESH_TTL;
    ip->check = checksum_replace(ip->check, old_ttl, bpf_htons(FRESH_TTL << 8));
    set_icmp_type(icmp, ICMP_ECHO_REPLY);
    return XDP_TX;
}

static __always_inline int judge_icmp(struct ethhdr *eth, struct iphdr *ip, void *data_end,
                                      const struct transport *transport) {
    struct icmp_header *icmp = transport->header;

    if (transport->length < sizeof(*icmp) || (void *)(icmp + 1) > data_end) {
        return XDP_ABORTED;
    }
    switch (icmp->type) {
    case ICMP_ECHO_REQUEST:
        if (bpf_ntohl(ip->daddr) == OWN_IPV4 && !transport->fragment) {
            return answer_ping(eth, ip, icmp);
        }
        return XDP_PASS;
    case ICMP_REDIRECT:
    case ICMP_TIMESTAMP_REQUEST:
    case ICMP_ADDRESS_MASK_REQUEST: return XDP_DROP;
    default: return XDP_PASS;
    }
}

static __always_inline int judge_ipv4(struct ethhdr *eth, struct iphdr *ip, void *data_end,
                                      __u16 vlan) {
    if ((void *)(ip + 1) > data_end) {
        return XDP_ABORTED;
    }
    const __u32 header = ip->ihl * 4u;
    const __u32 total = bpf_ntohs(ip->tot_len);
    if (ip->version != 4 || header < sizeof(*ip) || total < header ||
        (void *)ip + total > data_end) {
        return XDP_ABORTED;
    }
    if (is_forged_ipv4_source(ip, vlan)) {
        return XDP_DROP;
    }
    const int verdict = judge_ipv4_options((const __u8 *)(ip + 1), data_end, header - sizeof(*ip));
    if (verdict != XDP_PASS) {
        return verdict;
    }

    const __u32 offset = (bpf_ntohs(ip->frag_off) & IPV4_FRAGMENT_OFFSET) * 8u;
    const struct transport transport = {
        .header = (void *)ip + header,
        .length = total - header,
        .protocol = ip->protocol,
        .fragment = offset != 0 || (ip->frag_off & bpf_htons(IPV4_MORE_FRAGMENTS)),
    };
    if (transport.fragment && is_hostile_fragment(offset, transport.length)) {
        return XDP_DROP;
    }
    if (offset != 0) {
        return XDP_PASS;  // the first fragment was judged, the others have no transport header
    }
    if (transport.protocol == IPPROTO_ICMP) {
        return judge_icmp(eth, ip, data_end, &transport);
    }
    return judge_tcp_or_udp(&transport, data_end);
}

static __always_inline bool is_forged_ipv6_source(const struct ipv6hdr *ip) {
    const __be32 *source = ip->saddr.in6_u.u6_addr32;
    const __be32 *destination = ip->daddr.in6_u.u6_addr32;
    const bool loopback = (source[0] | source[1] | source[2]) == 0 && source[3] == bpf_htonl(1);
    const bool same = source[0] == destination[0] && source[1] == destination[1] &&
                      source[2] == destination[2] && source[3] == destination[3];

    return ip->saddr.in6_u.u6_addr8[0] == 0xff || loopback || same;
}

static __always_inline bool is_own_ipv6(const struct in6_addr *address) {
    const __be32 *word = address->in6_u.u6_addr32;

    return word[0] == bpf_htonl(OWN_IPV6_FIRST) && (word[1] | word[2]) == 0 &&
           word[3] == bpf_htonl(OWN_IPV6_LAST);
}

/// As answer_ping. IPv6 has no header checksum, and that of ICMPv6 leaves the hop limit out.
static __always_inline int answer_ping6(struct ethhdr *eth, struct ipv6hdr *ip,
                                        struct icmp_header *icmp) {
    const struct in6_addr client = ip->saddr;

    swap_macs(eth);
    ip->saddr = ip->daddr;
    ip->daddr = client;
    ip->hop_limit = FRESH_TTL;
    set_icmp_type(icmp, ICMPV6_ECHO_REPLY);
    return XDP_TX;
}

static __always_inline int judge_icmp6(struct ethhdr *eth, struct ipv6hdr *ip, void *data_end,
                                       const struct transport *transport) {
    struct icmp_header *icmp = transport->header;

    if (transport->length < sizeof(*icmp) || (void *)(icmp + 1) > data_end) {
        return XDP_ABORTED;
    }
    switch (icmp->type) {
    case ICMPV6_ECHO_REQUEST:
        if (is_own_ipv6(&ip->daddr) && ip->nexthdr == IPPROTO_ICMPV6) {
            return answer_ping6(eth, ip, icmp);
        }
        return XDP_PASS;
    case ICMPV6_REDIRECT: return XDP_DROP;
    default: return XDP_PASS;
    }
}

static __always_inline bool is_ipv6_extension(__u8 protocol) {
    switch (protocol) {
    case IPPROTO_HOPOPTS:
    case IPPROTO_ROUTING:
    case IPPROTO_FRAGMENT:
    case IPPROTO_AH:
    case IPPROTO_DSTOPTS: return true;
    default: return false;
    }
}

static __always_inline __u32 ipv6_extension_size(const struct ipv6_extension *extension,
                                                 __u8 protocol) {
    switch (protocol) {
    case IPPROTO_FRAGMENT: return sizeof(*extension);  // its length byte is reserved
    case IPPROTO_AH: return sizeof(*extension) + extension->length * 4u;
    default: return sizeof(*extension) + extension->length * 8u;
    }
}

/// Judges a fragment header that `transport` has just passed. Later fragments have no transport
/// header: for them the protocol becomes IPPROTO_NONE.
static __always_inline int enter_ipv6_fragment(struct transport *transport, __u16 field) {
    const __u32 offset = field & IPV6_FRAGMENT_OFFSET;

    transport->fragment = offset != 0 || (field & IPV6_MORE_FRAGMENTS);
    if (transport->fragment && is_hostile_fragment(offset, transport->length)) {
        return XDP_DROP;
    }
    if (offset != 0) {
        transport->protocol = IPPROTO_NONE;
    }
    return XDP_PASS;
}

/// Moves `transport` from the end of the IPv6 header past the extension headers.
static __always_inline int skip_ipv6_extensions(struct transport *transport, void *data_end) {
    int verdict = XDP_PASS;

    for (int count = 0; is_ipv6_extension(transport->protocol); count++) {
        const struct ipv6_extension *extension = transport->header;
        const __u8 protocol = transport->protocol;
        if (count == MAX_IPV6_EXTENSIONS) {
            return XDP_DROP;
        }
        if ((void *)(extension + 1) > data_end) {
            return XDP_ABORTED;
        }
        if (protocol == IPPROTO_ROUTING && extension->routing_type == 0) {
            return XDP_DROP;  // lets packets bounce between routers (RFC 5095)
        }
        const __u32 size = ipv6_extension_size(extension, protocol);
        if (size > transport->length) {
            return XDP_ABORTED;
        }
        transport->header += size;
        transport->length -= size;
        transport->protocol = extension->next_header;
        if (protocol == IPPROTO_FRAGMENT) {
            verdict = enter_ipv6_fragment(transport, bpf_ntohs(extension->fragment));
        }
        if (verdict != XDP_PASS) {
            return verdict;
        }
    }
    return XDP_PASS;
}

static __always_inline int judge_ipv6(struct ethhdr *eth, struct ipv6hdr *ip, void *data_end) {
    if ((void *)(ip + 1) > data_end) {
        return XDP_ABORTED;
    }
    struct transport transport = {
        .header = ip + 1,
        .length = bpf_ntohs(ip->payload_len),
        .protocol = ip->nexthdr,
    };
    if (ip->version != 6 || transport.header + transport.length > data_end) {
        return XDP_ABORTED;
    }
    if (is_forged_ipv6_source(ip)) {
        return XDP_DROP;
    }
    const int verdict = skip_ipv6_extensions(&transport, data_end);
    if (verdict != XDP_PASS) {
        return verdict;
    }
    if (transport.protocol == IPPROTO_ICMPV6) {
        return judge_icmp6(eth, ip, data_end, &transport);
    }
    return judge_tcp_or_udp(&transport, data_end);
}

static __always_inline bool is_vlan(__be16 protocol) {
    return protocol == bpf_htons(ETH_P_8021Q) || protocol == bpf_htons(ETH_P_8021AD);
}

SEC("xdp")
int xdp_firewall(struct xdp_md *ctx) {
    void *data = (void *)(long)ctx->data;
    void *data_end = (void *)(long)ctx->data_end;
    struct ethhdr *eth = data;
    void *next = eth + 1;

    if (next > data_end) {
        return XDP_ABORTED;
    }
    __be16 protocol = eth->h_proto;
    __u16 vlan = NO_VLAN;  // the innermost
    for (int count = 0; count < MAX_VLAN_TAGS && is_vlan(protocol); count++) {
        const struct vlan_tag *tag = next;
        next += sizeof(*tag);
        if (next > data_end) {
            return XDP_ABORTED;
        }
        vlan = bpf_ntohs(tag->control) & VLAN_NUMBER;
        protocol = tag->protocol;
    }
    if (is_vlan(protocol)) {
        return XDP_DROP;
    }

    switch (protocol) {
    case bpf_htons(ETH_P_IP): return judge_ipv4(eth, next, data_end, vlan);
    case bpf_htons(ETH_P_IPV6): return judge_ipv6(eth, next, data_end);
    default: return XDP_PASS;
    }
}

char LICENSE[] SEC("license") = "MIT";
