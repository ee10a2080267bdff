// bpftime-vm: maps of sockets in which there are none
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "packet.h"

struct {
    MAP(BPF_MAP_TYPE_SOCKMAP, __u32, __u64, 4);
} by_index SEC(".maps");

struct {
    MAP(BPF_MAP_TYPE_SOCKHASH, __u64, __u32, 4);
} by_key SEC(".maps");

SEC("xdp") int nothing_is_found(struct xdp_md *ctx) {
    __u32 index = summary(ctx) % 8;
    __u64 key = index;
    void *found = bpf_map_lookup_elem(&by_index, &index);
    if (found) {
        bpf_sk_release(found);
        return 100;
    }
    found = bpf_map_lookup_elem(&by_key, &key);
    if (found) {
        bpf_sk_release(found);
        return 101;
    }
    return -bpf_map_delete_elem(&by_index, &index) * 100 - bpf_map_delete_elem(&by_key, &key);
}

/// The port is a socket's, or nobody's.
static __always_inline int put_in(struct __sk_buff *skb, __u16 port) {
    struct bpf_sock_tuple ends = {
        .ipv4 = {.daddr = bpf_htonl(0x7f000001), .dport = bpf_htons(port)}};
    __u32 index = 1;
    struct bpf_sock *sk = bpf_sk_lookup_udp(skb, &ends, sizeof ends.ipv4, BPF_F_CURRENT_NETNS, 0);
    if (!sk) return 7;
    int failed = -bpf_map_update_elem(&by_index, &index, sk, 5);
    bpf_sk_release(sk);
    return failed;
}

SEC("tc") int nothing_is_put_in(struct __sk_buff *skb) { return put_in(skb, 1); }
