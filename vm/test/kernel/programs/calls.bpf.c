// bpftime-vm: tail calls, functions that helpers call, and locks
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "packet.h"

int leaf(struct __sk_buff *skb);
int again(struct __sk_buff *skb);

struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, 8);
    __uint(key_size, 4);
    __array(values, int(void *));
} table SEC(".maps") = {.values = {[2] = (void *)&leaf, [5] = (void *)&again}};

struct value {
    struct bpf_spin_lock lock;
    __u32 count;
};

struct {
    MAP(BPF_MAP_TYPE_ARRAY, __u32, struct value, 3);
} locked SEC(".maps");

struct {
    MAP(BPF_MAP_TYPE_HASH, __u32, __u64, 64);
} lengths SEC(".maps");

struct {
    MAP(BPF_MAP_TYPE_PERCPU_ARRAY, __u32, __u64, 5);
} calls SEC(".maps");

static __always_inline void count(__u32 index) {
    __u64 *n = bpf_map_lookup_elem(&calls, &index);
    if (n) *n += 1;
}

SEC("tc") int leaf(struct __sk_buff *skb) {
    count(0);
    return skb->cb[0] + 7;
}

/// Until the kernel says that it was enough.
SEC("tc") int again(struct __sk_buff *skb) {
    count(1);
    skb->cb[0] += 3;
    if (skb->cb[0] > 50 && skb->len & 1) bpf_tail_call(skb, &table, 2);
    bpf_tail_call(skb, &table, 5);
    return skb->cb[0];
}

/// The callee returns to the caller of the function that called it.
static __noinline int jump(struct __sk_buff *skb, __u32 slot) {
    bpf_tail_call(skb, &table, slot);
    return 1000;
}

SEC("tc") int jumps(struct __sk_buff *skb) {
    int sum = jump(skb, 2);
    sum = sum * 31 + jump(skb, 3);
    sum = sum * 31 + jump(skb, 8);
    return sum * 31 + jump(skb, 5);
}

SEC("tc") int entered(struct __sk_buff *skb) {
    bpf_tail_call(skb, &table, skb->len & 7);
    return -1;
}

struct state {
    struct __sk_buff *skb;
    __u32 sum;
    __u32 last;
};

static long step(__u32 index, struct state *s) {
    s->sum = s->sum * 31 + index + s->skb->len;
    return index == s->last;
}

static long visit(void *map, __u32 *key, __u64 *value, struct state *s) {
    *value += *key & 3;
    s->sum += *value * 7 + *key;
    return s->sum % 61 == 5;
}

SEC("tc") int loops(struct __sk_buff *skb) {
    struct state s = {.skb = skb, .last = skb->len & 31};
    int sum = bpf_loop(20, step, &s, 0);
    sum = sum * 31 + bpf_loop(0, step, &s, 0);
    sum = sum * 31 + bpf_loop(1, step, &s, 1);
    return sum * 31 + bpf_loop((1 << 23) + 1, step, &s, 0) + s.sum;
}

SEC("tc") int elements(struct __sk_buff *skb) {
    struct state s = {.skb = skb};
    __u32 key = skb->len;
    __u64 one = 1;
    bpf_map_update_elem(&lengths, &key, &one, BPF_ANY);
    int sum = bpf_for_each_map_elem(&calls, visit, &s, 0);
    s.sum = 0;
    sum = sum * 31 + bpf_for_each_map_elem(&calls, visit, &s, 1);
    return sum * 31 + s.sum;
}

/// A struct of one caller has the context, that of another has none.
static long weigh(void *map, __u32 *key, __u64 *value, struct state *s) {
    s->sum += s->skb ? s->skb->len + *key : s->last;
    return 0;
}

static long weigh_all(void *map, __u32 *key, __u64 *value, __u64 *sum) {
    struct state s = {.last = *key};
    bpf_for_each_map_elem(&calls, weigh, &s, 0);
    *sum += s.sum;
    return 0;
}

SEC("tc") int nested_elements(struct __sk_buff *skb) {
    struct state s = {.skb = skb};
    __u64 sum = 0;
    bpf_for_each_map_elem(&calls, weigh, &s, 0);
    bpf_for_each_map_elem(&calls, weigh_all, &sum, 0);
    return sum * 31 + s.sum;
}

SEC("tc") int locks(struct __sk_buff *skb) {
    __u32 index = skb->len % 3, other = (index + 1) % 3;
    struct value *v = bpf_map_lookup_elem(&locked, &index), copy = {};
    if (!v) return 99;
    bpf_spin_lock(&v->lock);
    v->count = v->count * 3 + 1;
    bpf_spin_unlock(&v->lock);
    copy.count = skb->len;
    return v->count - bpf_map_update_elem(&locked, &other, &copy, BPF_F_LOCK);
}
