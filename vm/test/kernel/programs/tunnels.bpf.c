// bpftime-vm: the tunnel that a packet came out of, or goes into
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "packet.h"

static __always_inline __u32 sum_of(const void *bytes, unsigned size) {
    __u32 sum = 0;
    for (unsigned i = 0; i < size; i++) sum = sum * 31 + ((const __u8 *)bytes)[i];
    return sum;
}

static __always_inline __u32 key_of(struct __sk_buff *skb, unsigned size, __u64 flags) {
    struct bpf_tunnel_key key = {};
    int got = bpf_skb_get_tunnel_key(skb, &key, size, flags);
    return sum_of(&key, sizeof key) * 31 - got;
}

static __always_inline __u32 options_of(struct __sk_buff *skb, unsigned size) {
    __u8 options[16] = {};
    int got = bpf_skb_get_tunnel_opt(skb, options, size);
    return sum_of(options, sizeof options) * 31 - got;
}

/// A test run's packet came out of none, and a program that sets one still does not read it.
SEC("tc") int none(struct __sk_buff *skb) {
    __u32 sum = key_of(skb, sizeof(struct bpf_tunnel_key), 0);
    sum = sum * 31 + key_of(skb, sizeof(struct bpf_tunnel_key), BPF_F_TUNINFO_IPV6);
    sum = sum * 31 + key_of(skb, 3, 0);
    return sum * 31 + options_of(skb, 16);
}

SEC("tc") int into(struct __sk_buff *skb) {
    struct bpf_tunnel_key key = {
        .tunnel_id = skb->len, .remote_ipv4 = 0x0a010203, .tunnel_ttl = 64};
    __u8 options[16] = {1, 2, 3, 4, 5, 6, 7, 8};
    __u32 sum = -bpf_skb_set_tunnel_opt(skb, options, 8);
    sum = sum * 31 - bpf_skb_set_tunnel_key(skb, &key, sizeof key, BPF_F_ZERO_CSUM_TX);
    sum = sum * 31 - bpf_skb_set_tunnel_key(skb, &key, 5, 0);
    sum = sum * 31 - bpf_skb_set_tunnel_key(skb, &key, sizeof key, 1 << 20);
    sum = sum * 31 - bpf_skb_set_tunnel_opt(skb, options, 8);
    sum = sum * 31 - bpf_skb_set_tunnel_opt(skb, options, 7);
    sum = sum * 31 + key_of(skb, sizeof key, 0);
    return sum * 31 + options_of(skb, 16);
}
