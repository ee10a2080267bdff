// bpftime-vm: prefixes, queues, stacks and Bloom filters
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "packet.h"

struct prefix {
    __u32 bits;
    __u8 address[4];
};

struct {
    MAP(BPF_MAP_TYPE_LPM_TRIE, struct prefix, __u32, 64);
    __uint(map_flags, BPF_F_NO_PREALLOC);
} routes SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_QUEUE);
    __type(value, __u32);
    __uint(max_entries, 5);
} queue SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_STACK);
    __type(value, __u32);
    __uint(max_entries, 5);
} stack SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_BLOOM_FILTER);
    __type(value, __u32);
    __uint(max_entries, 1000);
    __uint(map_extra, 3);
} seen SEC(".maps");

SEC("xdp") int longest_prefix(struct xdp_md *ctx) {
    struct ethhdr *eth = (void *)(long)ctx->data;
    struct iphdr *ip = (void *)(eth + 1);
    if ((void *)(ip + 1) > (void *)(long)ctx->data_end) return 99;
    struct prefix p = {.bits = 32};
    __builtin_memcpy(p.address, &ip->daddr, 4);
    __u32 sum = 0;
    for (__u32 bits = 0; bits <= 33; bits += 3) {
        __u32 value = bits * 100 + p.address[0];
        p.bits = bits;
        sum = sum * 3 - bpf_map_update_elem(&routes, &p, &value, bits % 3);
    }
    p.bits = 32;
    __u32 *found = bpf_map_lookup_elem(&routes, &p);
    sum = sum * 3 + (found ? *found : 0);
    p.bits = 12;
    sum -= bpf_map_delete_elem(&routes, &p) + bpf_map_delete_elem(&routes, &p) * 5;
    p.bits = 14;
    p.address[3] ^= 0xff;
    found = bpf_map_lookup_elem(&routes, &p);
    return sum * 3 + (found ? *found : 0);
}

static __always_inline __u32 use(void *map, __u32 value) {
    __u32 got = 0, sum = -bpf_map_pop_elem(map, &got) + got;
    for (int i = 0; i < 3; i++) {
        __u32 v = value + i;
        sum = sum * 3 - bpf_map_push_elem(map, &v, 0);
    }
    got = 0;
    sum = sum * 3 - bpf_map_peek_elem(map, &got);
    sum = sum * 3 + got - bpf_map_push_elem(map, &value, BPF_EXIST);
    return sum * 3 - bpf_map_pop_elem(map, &got) + got;
}

SEC("xdp") int queues(struct xdp_md *ctx) {
    __u32 sum = summary(ctx);
    return use(&queue, sum) * 5 + use(&stack, sum);
}

SEC("xdp") int bloom(struct xdp_md *ctx) {
    __u32 sum = summary(ctx), before = bpf_map_peek_elem(&seen, &sum);
    bpf_map_push_elem(&seen, &sum, BPF_ANY);
    return before * 10 - bpf_map_peek_elem(&seen, &sum);
}
