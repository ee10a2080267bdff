// bpftime-vm: an XDP program with maps: counts IPv4 packets by protocol and by flow
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
//
// The host sets `limit` before the program is loaded, fills `blocked`, and reads the rest
// afterwards.
//
//   XDP_DROP     the sender is in `blocked` (reported to `events`), or the frame exceeds `limit`
//   XDP_PASS     everything else

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct flow {
    __u32 from, to;
};

struct tally {
    __u64 packets, bytes;
};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 256);
    __type(key, __u32);
    __type(value, __u64);
} protocols SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 1024);
    __type(key, struct flow);
    __type(value, struct tally);
} flows SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 64);
    __type(key, __u32);
    __type(value, __u8);
} blocked SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 4096);
} events SEC(".maps");

const volatile __u32 limit = 9000;
__u64 oversized;

char _license[] SEC("license") = "Dual MIT/GPL";

static void count(const struct flow *flow, __u64 bytes) {
    struct tally *known = bpf_map_lookup_elem(&flows, flow);
    if (known) {
        __sync_fetch_and_add(&known->packets, 1);
        __sync_fetch_and_add(&known->bytes, bytes);
        return;
    }
    struct tally first = {1, bytes};
    bpf_map_update_elem(&flows, flow, &first, BPF_ANY);
}

SEC("xdp")
int traffic_count(struct xdp_md *ctx) {
    void *data = (void *)(long)ctx->data;
    void *end = (void *)(long)ctx->data_end;
    struct ethhdr *ethernet = data;
    struct iphdr *ip = (void *)(ethernet + 1);
    if ((void *)(ip + 1) > end || ethernet->h_proto != bpf_htons(ETH_P_IP)) return XDP_PASS;

    __u32 protocol = ip->protocol;
    __u64 *packets = bpf_map_lookup_elem(&protocols, &protocol);
    if (packets) __sync_fetch_and_add(packets, 1);

    struct flow flow = {bpf_ntohl(ip->saddr), bpf_ntohl(ip->daddr)};
    count(&flow, end - data);

    if (bpf_map_lookup_elem(&blocked, &flow.from)) {
        bpf_ringbuf_output(&events, &flow, sizeof flow, 0);
        return XDP_DROP;
    }
    if (end - data > limit) {
        __sync_fetch_and_add(&oversized, 1);
        return XDP_DROP;
    }
    return XDP_PASS;
}
