// bpftime-vm: what the helpers about timers say; none becomes due
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "packet.h"

struct element {
    __u64 first;
    struct bpf_timer timer;
    __u64 second;
};

struct {
    MAP(BPF_MAP_TYPE_HASH, __u32, struct element, 4);
} in_hash SEC(".maps");

struct {
    MAP(BPF_MAP_TYPE_ARRAY, __u32, struct element, 4);
} in_array SEC(".maps");

#define NOTE(word) (sum = sum * 31 + (__u32)(word))
#define HOUR 3600000000000ULL

static int called(void *map, __u32 *key, struct element *e) {
    e->first++;
    return 0;
}

#define USE(map, index)                                       \
    do {                                                      \
        __u32 at = (index);                                   \
        struct element *e = bpf_map_lookup_elem(&(map), &at); \
        if (!e) return 99;                                    \
        NOTE(bpf_timer_set_callback(&e->timer, called));      \
        NOTE(bpf_timer_start(&e->timer, HOUR, 0));            \
        NOTE(bpf_timer_init(&e->timer, &(map), 2));           \
        NOTE(bpf_timer_init(&e->timer, &(map), 17));          \
        NOTE(bpf_timer_init(&e->timer, &(map), 1));           \
        NOTE(bpf_timer_init(&e->timer, &(map), 1));           \
        NOTE(bpf_timer_start(&e->timer, HOUR, 0));            \
        NOTE(bpf_timer_cancel(&e->timer));                    \
        NOTE(bpf_timer_set_callback(&e->timer, called));      \
        NOTE(bpf_timer_start(&e->timer, HOUR, 4));            \
        NOTE(bpf_timer_start(&e->timer, HOUR, 0));            \
        NOTE(bpf_timer_start(&e->timer, 2 * HOUR, 0));        \
        NOTE(bpf_timer_cancel(&e->timer));                    \
        NOTE(bpf_timer_start(&e->timer, HOUR, 0));            \
        NOTE(bpf_timer_set_callback(&e->timer, called));      \
        NOTE(bpf_timer_start(&e->timer, ~0ULL >> 1, 1));      \
        e->second = sum;                                      \
    } while (0)

SEC("xdp") int in_arrays(struct xdp_md *ctx) {
    __u32 sum = 0;
    __u32 key = summary(ctx) & 3;
    struct element fresh = {.first = 7};
    USE(in_array, key);
    NOTE(bpf_map_update_elem(&in_array, &key, &fresh, 0));
    USE(in_array, key);
    return sum;
}

SEC("tc") int in_hashes(struct __sk_buff *skb) {
    __u32 sum = 0;
    __u32 key = skb->len & 3;
    struct element fresh = {.first = 7};
    NOTE(bpf_map_update_elem(&in_hash, &key, &fresh, BPF_NOEXIST));
    USE(in_hash, key);
    NOTE(bpf_map_update_elem(&in_hash, &key, &fresh, BPF_EXIST));
    USE(in_hash, key);
    NOTE(bpf_map_delete_elem(&in_hash, &key));
    NOTE(bpf_map_update_elem(&in_hash, &key, &fresh, 0));
    USE(in_hash, key);
    return sum;
}
