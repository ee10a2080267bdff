// bpftime-vm: what a packet is, to whom it belongs, and where it goes
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "packet.h"

SEC("tc") int owners(struct __sk_buff *skb) {
    __u32 sum = bpf_get_route_realm(skb);
    return sum * 31 + bpf_skb_cgroup_classid(skb);
}

SEC("tc") int hash(struct __sk_buff *skb) {
    __u32 before = skb->hash, hash = bpf_get_hash_recalc(skb);
    int sum = (before == 0) + (hash == skb->hash) * 2 + (hash == bpf_get_hash_recalc(skb)) * 4;
    bpf_set_hash_invalid(skb);
    return sum + (skb->hash == 0) * 8 + (bpf_get_hash_recalc(skb) == hash) * 16;
}

SEC("tc") int security(struct __sk_buff *skb) {
    struct bpf_xfrm_state state = {};
    int sum = -bpf_skb_get_xfrm_state(skb, 0, &state, sizeof state, 0);
    return sum * 31 - bpf_skb_get_xfrm_state(skb, 1, &state, 8, 0) + state.reqid;
}

SEC("tc") int protocol(struct __sk_buff *skb) {
    int to = skb->protocol == bpf_htons(ETH_P_IP) ? ETH_P_IPV6 : ETH_P_IP;
    int sum = -bpf_skb_change_proto(skb, bpf_htons(to), 0);
    sum = sum * 31 + skb->protocol + skb->len;
    return sum * 31 - bpf_skb_change_proto(skb, bpf_htons(ETH_P_ARP), 0) -
           bpf_skb_change_proto(skb, bpf_htons(to), 1) * 7;
}

SEC("tc") int copies(struct __sk_buff *skb) {
    int sum = skb->len * 31 - bpf_clone_redirect(skb, 1, 2);
    sum = sum * 31 - bpf_clone_redirect(skb, 0, 0);
    return sum * 31 - bpf_clone_redirect(skb, 54321, BPF_F_INGRESS);
}

SEC("tc") int times(struct __sk_buff *skb) {
    int sum = -bpf_skb_set_tstamp(skb, 123456789, BPF_SKB_TSTAMP_DELIVERY_MONO);
    sum = sum * 31 + skb->tstamp + skb->tstamp_type;
    sum = sum * 31 - bpf_skb_set_tstamp(skb, 5, BPF_SKB_TSTAMP_UNSPEC);
    sum = sum * 31 - bpf_skb_set_tstamp(skb, 0, BPF_SKB_TSTAMP_UNSPEC);
    sum = sum * 31 - bpf_skb_set_tstamp(skb, 7, 9);
    return sum * 31 + skb->tstamp + skb->tstamp_type;
}

SEC("tc") int routes(struct __sk_buff *skb) {
    struct bpf_fib_lookup p = {.family = 99, .ifindex = skb->ifindex};
    int sum = -bpf_fib_lookup(skb, &p, sizeof p, 0);
    sum = sum * 31 - bpf_fib_lookup(skb, &p, sizeof p - 1, 0);
    sum = sum * 31 - bpf_fib_lookup(skb, &p, sizeof p, 1 << 20);
    p.family = 2;
    p.ifindex = 54321;
    return sum * 31 - bpf_fib_lookup(skb, &p, sizeof p, 0);
}
