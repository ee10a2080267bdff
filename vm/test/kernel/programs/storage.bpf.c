// bpftime-vm: values that belong to control groups
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "packet.h"

struct {
    __uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
    __type(key, struct bpf_cgroup_storage_key);
    __type(value, __u64[3]);
} shared SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE);
    __type(key, __u64);
    __type(value, __u32);
} each_cpu SEC(".maps");

struct {
    MAP(BPF_MAP_TYPE_ARRAY, __u32, __u64, 4);
} seen SEC(".maps");

static __always_inline void put(__u32 index, __u64 value) {
    bpf_map_update_elem(&seen, &index, &value, BPF_ANY);
}

SEC("cgroup_skb/ingress") int counts(struct __sk_buff *skb) {
    __u64 *values = bpf_get_local_storage(&shared, 0);
    __u32 *here = bpf_get_local_storage(&each_cpu, 0);
    put(0, values[0] + values[1] + values[2] + *here);
    __sync_fetch_and_add(&values[2], skb->len);
    *here += 5;
    __u64 *again = bpf_get_local_storage(&shared, 0);
    put(1, again[2] * 3 + *here);
    return 1;
}
