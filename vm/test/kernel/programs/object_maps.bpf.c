// bpftime-vm: maps of maps, and maps that hold other objects
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "packet.h"

struct counters {
    MAP(BPF_MAP_TYPE_ARRAY, __u32, __u64, 4);
} first SEC(".maps"), second SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
    __uint(max_entries, 4);
    __type(key, __u32);
    __array(values, struct counters);
} by_index SEC(".maps") = {.values = {[0] = &first, [2] = &second}};

struct {
    __uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
    __uint(max_entries, 4);
    __type(key, __u32);
    __array(values, struct counters);
} by_key SEC(".maps") = {.values = {[3] = &second}};

struct {
    MAP(BPF_MAP_TYPE_DEVMAP, __u32, __u32, 8);
} devices SEC(".maps");

struct {
    MAP(BPF_MAP_TYPE_DEVMAP_HASH, __u32, struct bpf_devmap_val, 8);
} devices_by_key SEC(".maps");

struct {
    MAP(BPF_MAP_TYPE_CPUMAP, __u32, struct bpf_cpumap_val, 8);
} cpus SEC(".maps");

struct {
    MAP(BPF_MAP_TYPE_XSKMAP, __u32, __u32, 8);
} sockets SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
    __uint(key_size, 4);
    __uint(value_size, 4);
} events SEC(".maps");

SEC("xdp") int inner_maps(struct xdp_md *ctx) {
    __u32 outer = summary(ctx) & 3, inner = 1, found = 0;
    void *m = bpf_map_lookup_elem(&by_index, &outer);
    __u64 *value = m ? bpf_map_lookup_elem(m, &inner) : 0;
    if (value) found = ++*value;
    outer = 3;
    m = bpf_map_lookup_elem(&by_key, &outer);
    value = m ? bpf_map_lookup_elem(m, &inner) : 0;
    if (value) found += (*value += 10);
    outer = 1;
    return found * 2 + !bpf_map_lookup_elem(&by_key, &outer);
}

SEC("xdp") int redirects(struct xdp_md *ctx) {
    __u32 sum = 0;
    for (__u32 i = 0; i < 4; i++) {
        sum = sum * 5 + bpf_redirect_map(&devices, i, i);
        sum = sum * 5 + bpf_redirect_map(&devices_by_key, i, i);
        sum = sum * 5 + bpf_redirect_map(&cpus, i, i);
        sum = sum * 5 + bpf_redirect_map(&sockets, i, i);
    }
    __u32 index = 1;
    sum = sum * 3 + !bpf_map_lookup_elem(&devices, &index);
    return sum * 3 + !bpf_map_lookup_elem(&devices_by_key, &index);
}

SEC("xdp") int nobody_reads(struct xdp_md *ctx) {
    __u32 sum = summary(ctx);
    int failed = -bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, &sum, sizeof sum);
    failed -= bpf_perf_event_output(ctx, &events, 1 << 20, &sum, sizeof sum) * 3;
    return failed - bpf_perf_event_output(ctx, &events, 14ULL << 32, &sum, sizeof sum) * 5;
}
