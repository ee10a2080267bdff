// bpftime-vm: legacy packet loads
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "packet.h"

#include <linux/filter.h>

unsigned long long byte(void *, unsigned long long) asm("llvm.bpf.load.byte");
unsigned long long half(void *, unsigned long long) asm("llvm.bpf.load.half");
unsigned long long word(void *, unsigned long long) asm("llvm.bpf.load.word");

/// Each ends with 0 where nothing is, and its caller goes on.
static __noinline int byte_at(struct __sk_buff *skb, unsigned long offset) {
    return byte(skb, offset) | 256;
}
static __noinline int half_at(struct __sk_buff *skb, unsigned long offset) {
    return half(skb, offset) | 1 << 16;
}
static __noinline int word_at(struct __sk_buff *skb, unsigned long offset) {
    return word(skb, offset) | 1;
}

static __always_inline int ends(struct __sk_buff *skb, unsigned long from, unsigned long bytes) {
    int sum = word_at(skb, from) + word_at(skb, from + bytes - 4);
    sum = sum * 31 + half_at(skb, from + bytes - 2) + byte_at(skb, from + bytes - 1);
    sum = sum * 31 + word_at(skb, from + bytes - 3) + half_at(skb, from + bytes - 1);
    return sum * 31 + byte_at(skb, from + bytes) + byte_at(skb, from - 1);
}

/// From the first byte on, the network header, the link header, and a place that has no name.
static __always_inline int everywhere(struct __sk_buff *skb, unsigned link) {
    int sum = ends(skb, 0, skb->len);
    sum = sum * 31 + ends(skb, SKF_NET_OFF, skb->len - link);
    sum = sum * 31 + ends(skb, SKF_LL_OFF, skb->len + 14 - link);
    sum = sum * 31 + word_at(skb, SKF_AD_OFF) + byte_at(skb, SKF_LL_OFF - 1) * 3;
    return sum * 31 + word_at(skb, 1UL << 31) + byte_at(skb, (1UL << 32) + 4) * 3;
}

SEC("socket") int socket_loads(struct __sk_buff *skb) { return everywhere(skb, 0); }
SEC("tc") int tc_loads(struct __sk_buff *skb) { return everywhere(skb, 14); }
SEC("action") int action_loads(struct __sk_buff *skb) { return everywhere(skb, 14); }

SEC("socket") int constants(struct __sk_buff *skb) {
    int sum = half(skb, SKF_LL_OFF + 12) * 3 + byte(skb, SKF_NET_OFF) + word(skb, 2);
    return sum * 31 + word(skb, (byte(skb, 0) & 15) * 4);
}

SEC("socket") int ends_the_program(struct __sk_buff *skb) { return byte(skb, 40) + 1; }

SEC("tc") int after_changes(struct __sk_buff *skb) {
    int sum = bpf_skb_change_head(skb, 20, 0);
    sum = sum * 31 + everywhere(skb, 34);
    sum = sum * 31 + bpf_skb_change_tail(skb, skb->len - 8, 0);
    return sum * 31 + everywhere(skb, 34);
}
