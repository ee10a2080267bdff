// bpftime-vm: exceptions
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
//
// Callbacks for them are not here: libbpf does not know them in all versions.
#include "packet.h"

extern void bpf_throw(__u64 cookie) __ksym;

struct {
    MAP(BPF_MAP_TYPE_ARRAY, __u32, __u64, 8);
} counts SEC(".maps");

static __always_inline void count(__u32 index, __u64 by) {
    __u64 *n = bpf_map_lookup_elem(&counts, &index);
    if (n) *n += by;
}

__noinline int deeper(__u32 len) {
    if (len > 60) bpf_throw(len * 3);
    count(1, len);
    return len;
}

__noinline int deep(__u32 len) {
    int r = deeper(len);
    count(2, 1);
    return r;
}

SEC("tc") int ends_with_the_cookie(struct __sk_buff *skb) {
    int r = deep(skb->len);
    count(3, 1);
    return r;
}

SEC("xdp") int ends_in_a_loop(struct xdp_md *ctx) {
    __u32 len = ctx->data_end - ctx->data;
    for (__u32 i = 0; i < 8; i++) {
        count(4, 1);
        if (i * 20 > len) bpf_throw(i);
    }
    count(5, 1);
    return XDP_PASS;
}
