// bpftime-vm: sockets that packets might belong to
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "packet.h"

#include <linux/tcp.h>

static __always_inline __u32 found(struct bpf_sock *sk) {
    if (!sk) return 0;
    __u32 state = sk->state;
    bpf_sk_release(sk);
    return state + 1;
}

/// Nobody listens at these addresses.
SEC("tc") int nobody(struct __sk_buff *skb) {
    struct bpf_sock_tuple tuple = {.ipv4 = {.saddr = 0x010200c0, .daddr = 0x020200c0, .dport = 7}};
    __u32 four = sizeof tuple.ipv4, six = sizeof tuple.ipv6;
    __u32 sum = found(bpf_sk_lookup_tcp(skb, &tuple, four, BPF_F_CURRENT_NETNS, 0));
    sum = sum * 3 + found(bpf_sk_lookup_udp(skb, &tuple, four, BPF_F_CURRENT_NETNS, 0));
    sum = sum * 3 + found(bpf_sk_lookup_udp(skb, &tuple, six, BPF_F_CURRENT_NETNS, 0));
    sum = sum * 3 + found(bpf_sk_lookup_tcp(skb, &tuple, four, BPF_F_CURRENT_NETNS, 1));
    sum = sum * 3 + found(bpf_sk_lookup_tcp(skb, &tuple, 5, BPF_F_CURRENT_NETNS, 0));
    sum = sum * 3 + found(bpf_sk_lookup_tcp(skb, &tuple, four, 1 << 20, 0));
    return sum * 3 + found(bpf_skc_lookup_tcp(skb, &tuple, four, BPF_F_CURRENT_NETNS, 0));
}

SEC("xdp") int nobody_on_the_wire(struct xdp_md *ctx) {
    struct bpf_sock_tuple tuple = {.ipv4 = {.saddr = 0x010200c0, .daddr = 0x020200c0, .dport = 7}};
    __u32 sum = found(bpf_sk_lookup_tcp(ctx, &tuple, sizeof tuple.ipv4, BPF_F_CURRENT_NETNS, 0));
    return sum * 3 + found(bpf_sk_lookup_udp(ctx, &tuple, sizeof tuple.ipv4, -1, 0));
}

SEC("tc") int given(struct __sk_buff *skb) {
    struct bpf_sock_tuple tuple = {.ipv4 = {.saddr = 0x010200c0, .daddr = 0x020200c0, .dport = 7}};
    struct bpf_sock *sk =
        bpf_skc_lookup_tcp(skb, &tuple, sizeof tuple.ipv4, BPF_F_CURRENT_NETNS, 0);
    if (!sk) return 5;
    int failed = bpf_sk_assign(skb, sk, 0);
    bpf_sk_release(sk);
    return failed;
}

/// A cookie depends on a secret, and the rest does not.
SEC("xdp") int cookies(struct xdp_md *ctx) {
    struct ethhdr *eth = (void *)(long)ctx->data;
    struct iphdr *ip = (void *)(eth + 1);
    struct tcphdr *tcp = (void *)(ip + 1);
    if ((void *)(tcp + 1) > (void *)(long)ctx->data_end) return 99;
    __u32 sum = bpf_tcp_raw_gen_syncookie_ipv4(ip, tcp, sizeof *tcp) >> 32;
    sum = sum * 31 - bpf_tcp_raw_gen_syncookie_ipv4(ip, tcp, 9);
    return sum * 31 - bpf_tcp_raw_check_syncookie_ipv4(ip, tcp);
}

SEC("tc") int cookies_ipv6(struct __sk_buff *skb) {
    struct ethhdr *eth = (void *)(long)skb->data;
    struct ipv6hdr *ip = (void *)(eth + 1);
    struct tcphdr *tcp = (void *)(ip + 1);
    if ((void *)(tcp + 1) > (void *)(long)skb->data_end) return 99;
    __u32 sum = bpf_tcp_raw_gen_syncookie_ipv6(ip, tcp, sizeof *tcp) >> 32;
    return sum * 31 - bpf_tcp_raw_check_syncookie_ipv6(ip, tcp);
}
