// bpftime-vm: arrays, one value for all CPUs and one for each, and variables
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "packet.h"

struct tally {
    __u64 packets, bytes;
    __u8 kinds[8];
};

struct {
    MAP(BPF_MAP_TYPE_ARRAY, __u32, struct tally, 8);
} tallies SEC(".maps");

struct {
    MAP(BPF_MAP_TYPE_PERCPU_ARRAY, __u32, struct tally, 5);
} tallies_percpu SEC(".maps");

struct {
    MAP(BPF_MAP_TYPE_ARRAY, __u32, __u64, 4);
    __uint(map_flags, BPF_F_RDONLY_PROG);
} settings SEC(".maps");

struct {
    MAP(BPF_MAP_TYPE_ARRAY, __u32, __u64, 4);
    __uint(map_flags, BPF_F_WRONLY_PROG);
} results SEC(".maps");

struct {
    MAP(BPF_MAP_TYPE_ARRAY, __u32, __u32, 300);
    __uint(map_flags, BPF_F_MMAPABLE);
} shared SEC(".maps");

__u64 total;
__u32 last = 17;
const volatile __u32 weights[4] = {3, 5, 7, 11};

static __always_inline void count(void *map, __u32 index, struct xdp_md *ctx) {
    struct tally *t = bpf_map_lookup_elem(map, &index);
    if (!t) return;
    t->packets++;
    __sync_fetch_and_add(&t->bytes, ctx->data_end - ctx->data);
    t->kinds[index & 3] = index;
}

SEC("xdp") int arrays(struct xdp_md *ctx) {
    __u32 sum = summary(ctx);
    count(&tallies, sum & 15, ctx);
    count(&tallies_percpu, sum & 7, ctx);
    total += sum;
    last = last * weights[sum & 3];
    return last & 3;
}

SEC("xdp") int updates(struct xdp_md *ctx) {
    struct tally value = {.packets = summary(ctx), .bytes = 2, .kinds = {1, 2, 3}};
    __u32 verdict = 0;
    for (__u64 flags = 0; flags < 5; flags++) {
        __u32 index = flags * 2;
        verdict = verdict * 5 - bpf_map_update_elem(&tallies, &index, &value, flags);
        verdict = verdict * 5 - bpf_map_update_elem(&tallies_percpu, &index, &value, flags);
    }
    __u32 index = 1;
    verdict = verdict * 5 - bpf_map_delete_elem(&tallies, &index);
    return verdict - bpf_map_delete_elem(&tallies_percpu, &index);
}

SEC("xdp") int access(struct xdp_md *ctx) {
    __u32 index = 2;
    __u64 *setting = bpf_map_lookup_elem(&settings, &index);
    __u64 *result = bpf_map_lookup_elem(&results, &index);
    if (!setting || !result) return 99;
    *result = *setting + summary(ctx);
    for (int i = 0; i < 4; i++) {
        __u32 at = i * 99;
        __u32 *word = bpf_map_lookup_elem(&shared, &at);
        if (word) *word += i;
    }
    return 1;
}

SEC("xdp") int each_cpu(struct xdp_md *ctx) {
    __u32 index = 3, found = 0;
    for (__u32 cpu = 0; cpu < 2; cpu++) {
        struct tally *t = bpf_map_lookup_percpu_elem(&tallies_percpu, &index, cpu);
        if (!t) continue;
        t->packets += cpu + 1;
        found++;
    }
    return found * 10 + !bpf_map_lookup_percpu_elem(&tallies_percpu, &index, 1 << 20);
}
