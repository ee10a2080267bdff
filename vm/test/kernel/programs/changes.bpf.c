// bpftime-vm: helpers that change packets
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "packet.h"

SEC("xdp") int encapsulate(struct xdp_md *ctx) {
    if (bpf_xdp_adjust_head(ctx, -20)) return XDP_ABORTED;
    __u8 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
    if (data + 34 > end) return XDP_DROP;
    for (int i = 0; i < 14; i++) data[i] = data[i + 20];
    for (int i = 14; i < 34; i++) data[i] = i;
    return bpf_xdp_adjust_head(ctx, -256) ? XDP_TX : XDP_PASS;
}

SEC("xdp") int resize(struct xdp_md *ctx) {
    __u64 size = ctx->data_end - ctx->data;
    int failed = bpf_xdp_adjust_meta(ctx, -8);
    __u32 *meta = (void *)(long)ctx->data_meta;
    if ((void *)(meta + 2) <= (void *)(long)ctx->data) meta[0] = size, meta[1] = 0xabcd;
    failed += bpf_xdp_adjust_tail(ctx, size & 1 ? 11 : -9) * 3;
    return XDP_PASS - failed;
}

SEC("xdp") int bytes(struct xdp_md *ctx) {
    __u8 buffer[12] = {};
    int failed = bpf_xdp_load_bytes(ctx, 6, buffer, sizeof buffer);
    for (int i = 0; i < 12; i++) buffer[i] ^= i;
    failed += bpf_xdp_store_bytes(ctx, 30, buffer, sizeof buffer) * 3;
    return -failed - bpf_xdp_load_bytes(ctx, 3000, buffer, 4) * 7;
}

SEC("tc") int rewrite(struct __sk_buff *skb) {
    __u32 from = bpf_htonl(0x0a000001), to = bpf_htonl(0x0a0000fe);
    __u8 byte = 63;
    int failed = bpf_l4_csum_replace(skb, 50, from, to, BPF_F_PSEUDO_HDR | sizeof to);
    failed += bpf_l3_csum_replace(skb, 24, from, to, sizeof to) * 3;
    failed += bpf_skb_store_bytes(skb, 26, &to, sizeof to, 0) * 5;
    failed += bpf_skb_store_bytes(skb, 22, &byte, 1, BPF_F_RECOMPUTE_CSUM) * 7;
    return -failed;
}

SEC("tc") int tags(struct __sk_buff *skb) {
    int failed = -bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), 77);
    failed = failed * 3 - bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021AD), 78);
    failed = failed * 3 + skb->vlan_tci + skb->vlan_present;
    return failed * 3 - bpf_skb_vlan_pop(skb);
}

SEC("tc") int lengths(struct __sk_buff *skb) {
    __u32 size = skb->len;
    int failed = -bpf_skb_change_tail(skb, size + 5, 0);
    failed = failed * 3 - bpf_skb_change_head(skb, 14, 0);
    failed = failed * 3 - bpf_skb_pull_data(skb, skb->len);
    return failed * 3 - bpf_skb_adjust_room(skb, 8, BPF_ADJ_ROOM_MAC, 0);
}

SEC("tc") int relative(struct __sk_buff *skb) {
    __u8 byte = 0;
    int failed = -bpf_skb_load_bytes_relative(skb, 9, &byte, 1, BPF_HDR_START_NET);
    return failed * 300 + byte - bpf_skb_change_type(skb, 3) - bpf_skb_ecn_set_ce(skb) * 5;
}

SEC("tc") int hashes(struct __sk_buff *skb) {
    bpf_set_hash(skb, 0x1234);
    int hash = skb->hash;
    bpf_set_hash_invalid(skb);
    return hash - bpf_csum_level(skb, BPF_CSUM_LEVEL_QUERY) - bpf_csum_update(skb, 5) * 3;
}

SEC("xdp") int routes(struct xdp_md *ctx) {
    __u32 mtu = 0;
    int sum = bpf_redirect(1, 0) * 10 + bpf_redirect(1, 1);
    sum = sum * 3 - bpf_check_mtu(ctx, 999999, &mtu, 0, 0);
    return sum;
}

SEC("tc") int elsewhere(struct __sk_buff *skb) {
    int sum = bpf_redirect(1, 0) * 10 + bpf_redirect(1, 2);
    sum = sum * 8 + bpf_redirect_neigh(1, 0, 0, 0);
    return sum * 8 + bpf_redirect_peer(1, 1);
}
