// bpftime-vm: programs of every type that gets packets, and what they see
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "packet.h"

struct {
    MAP(BPF_MAP_TYPE_ARRAY, __u32, __u32, 64);
} fields SEC(".maps");

static __always_inline void put(__u32 index, __u32 value) {
    bpf_map_update_elem(&fields, &index, &value, BPF_ANY);
}

static __always_inline int see(struct __sk_buff *skb) {
    __u8 bytes[16] = {};
    int failed = bpf_skb_load_bytes(skb, 0, bytes, sizeof bytes);
    put(0, skb->len);
    put(1, skb->pkt_type);
    put(2, skb->protocol);
    put(3, skb->ifindex);
    put(4, skb->mark);
    put(5, skb->queue_mapping);
    put(6, skb->vlan_present);
    put(7, skb->priority);
    put(8, skb->ingress_ifindex);
    put(9, bytes[0] | bytes[9] << 8);
    return bytes[0] + bytes[9] * 3 - failed;
}

SEC("socket") int filter(struct __sk_buff *skb) { return see(skb) + bpf_get_prandom_u32() * 0; }

SEC("cgroup_skb/ingress") int group_ingress(struct __sk_buff *skb) {
    void *data = (void *)(long)skb->data;
    if (data + 20 > (void *)(long)skb->data_end) return 0;
    put(20, skb->family);
    put(21, skb->remote_ip4);
    put(22, skb->local_ip4);
    put(23, skb->remote_port);
    return see(skb) & 1;
}

SEC("cgroup_skb/egress") int group_egress(struct __sk_buff *skb) { return see(skb) & 1; }

SEC("lwt_in") int way_in(struct __sk_buff *skb) { return see(skb); }
SEC("lwt_out") int way_out(struct __sk_buff *skb) { return see(skb); }

SEC("lwt_xmit") int way_on(struct __sk_buff *skb) {
    __u8 *data = (void *)(long)skb->data;
    if (data + 20 > (__u8 *)(long)skb->data_end) return 0;
    data[8]--;
    return see(skb);
}

SEC("tc") int classifier(struct __sk_buff *skb) {
    skb->mark = skb->len * 3;
    skb->priority = 7;
    skb->cb[2] = skb->protocol;
    skb->tc_index = 9;
    put(30, skb->tc_index);
    put(31, skb->tc_classid);
    put(32, skb->gso_segs);
    put(33, skb->wire_len);
    return see(skb);
}

SEC("action") int classic_action(struct __sk_buff *skb) { return see(skb) & 7; }

SEC("xdp.frags") int frags(struct xdp_md *ctx) {
    return bpf_xdp_get_buff_len(ctx) + ctx->rx_queue_index + ctx->ingress_ifindex * 1000;
}
