// bpftime-vm: arenas: pages that are not there
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
//
// Programs on packets cannot allocate pages in the kernel.
#include "packet.h"

#define ARENA_TYPE 33
#define ARENA_BEGIN 0x1ull << 44
#define __arena __attribute__((address_space(1)))

struct {
    __uint(type, ARENA_TYPE);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, 4);
    enum { ___begin = ARENA_BEGIN } map_extra;
} arena SEC(".maps");

struct {
    MAP(BPF_MAP_TYPE_ARRAY, __u32, __u64, 16);
} seen SEC(".maps");

static __always_inline void put(__u32 index, __u64 value) {
    bpf_map_update_elem(&seen, &index, &value, BPF_ANY);
}

SEC("tc") int pages_that_are_not_there(struct __sk_buff *skb) {
    volatile __u64 __arena *p = (volatile __u64 __arena *)(ARENA_BEGIN);
    asm volatile("" ::"r"(&arena));
    put(0, p[0]);
    p[1] = skb->len;
    put(1, p[1]);
    put(2, p[(1 << 29) - 1]);
    p[(1 << 29) - 1] = 1;
    put(3, *(volatile __u8 __arena *)((__u64)p + 4095));
    put(4, *(volatile __u64 __arena *)((__u64)p + 4092));
    __sync_fetch_and_add((__u64 __arena *)p, 3);
    put(5, p[0]);
    return p[skb->len];
}
