// bpftime-vm: hash maps of all kinds: what updates, deletions and full maps do
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "packet.h"

struct flow {
    __u8 from[6], to[6];
    __u16 type;
};

struct {
    MAP(BPF_MAP_TYPE_HASH, struct flow, __u64, 64);
} flows SEC(".maps");

struct {
    MAP(BPF_MAP_TYPE_HASH, __u32, __u64, 3);
    __uint(map_flags, BPF_F_NO_PREALLOC);
} few SEC(".maps");

struct {
    MAP(BPF_MAP_TYPE_PERCPU_HASH, struct flow, __u64, 64);
} flows_percpu SEC(".maps");

struct {
    MAP(BPF_MAP_TYPE_LRU_HASH, struct flow, __u64, 1024);
} recent SEC(".maps");

struct {
    MAP(BPF_MAP_TYPE_LRU_PERCPU_HASH, struct flow, __u64, 1024);
} recent_percpu SEC(".maps");

static __always_inline int read_flow(struct xdp_md *ctx, struct flow *f) {
    struct ethhdr *eth = (void *)(long)ctx->data;
    if ((void *)(eth + 1) > (void *)(long)ctx->data_end) return -1;
    __builtin_memcpy(f->from, eth->h_source, 6);
    __builtin_memcpy(f->to, eth->h_dest, 6);
    f->type = eth->h_proto;
    return 0;
}

static __always_inline int count(void *map, struct flow *f, __u64 by) {
    __u64 *value = bpf_map_lookup_elem(map, f);
    if (value) {
        *value += by;
        return 1;
    }
    return bpf_map_update_elem(map, f, &by, BPF_NOEXIST);
}

SEC("xdp") int flows_counted(struct xdp_md *ctx) {
    struct flow f = {};
    if (read_flow(ctx, &f)) return 99;
    __u64 size = ctx->data_end - ctx->data;
    int sum = count(&flows, &f, size) + count(&flows_percpu, &f, size) * 3;
    sum += count(&recent, &f, size) * 9 + count(&recent_percpu, &f, size) * 27;
    return sum;
}

SEC("xdp") int flags(struct xdp_md *ctx) {
    __u32 verdict = 0;
    for (__u32 i = 0; i < 12; i++) {
        __u32 key = (summary(ctx) + i) % 5;
        __u64 value = i;
        verdict = verdict * 7 - bpf_map_update_elem(&few, &key, &value, i % 4);
    }
    return verdict;
}

SEC("xdp") int deletions(struct xdp_md *ctx) {
    struct flow f = {};
    if (read_flow(ctx, &f)) return 99;
    __u64 one = 1;
    bpf_map_update_elem(&flows, &f, &one, BPF_ANY);
    __u64 *kept = bpf_map_lookup_elem(&flows, &f);
    int sum = -bpf_map_delete_elem(&flows, &f) - bpf_map_delete_elem(&flows, &f) * 3;
    sum -= bpf_map_delete_elem(&recent, &f) * 5 + bpf_map_delete_elem(&flows_percpu, &f) * 7;
    f.type ^= 1;
    bpf_map_update_elem(&flows, &f, &one, BPF_EXIST);
    bpf_map_update_elem(&recent, &f, &one, BPF_ANY);
    return sum + (kept != 0);
}
