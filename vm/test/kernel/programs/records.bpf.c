// bpftime-vm: records to the host
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "packet.h"

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 4096);
} ring SEC(".maps");

struct record {
    __u32 sum;
    __u16 size;
    __u8 text[6];
};

SEC("xdp") int records(struct xdp_md *ctx) {
    struct record *r = bpf_ringbuf_reserve(&ring, sizeof *r, 0);
    if (!r) return 99;
    *r = (struct record){summary(ctx), ctx->data_end - ctx->data, "hello"};
    if (r->sum & 1) {
        bpf_ringbuf_discard(r, BPF_RB_NO_WAKEUP);
    } else {
        bpf_ringbuf_submit(r, BPF_RB_FORCE_WAKEUP);
    }
    return bpf_ringbuf_query(&ring, BPF_RB_PROD_POS) + bpf_ringbuf_query(&ring, BPF_RB_RING_SIZE);
}

SEC("tc") int copies(struct __sk_buff *skb) {
    __u8 bytes[80] = {};
    __u32 size = skb->len < sizeof bytes ? skb->len : sizeof bytes;
    if (bpf_skb_load_bytes(skb, 0, bytes, sizeof bytes)) bytes[0] = 1;
    __u32 failed = -bpf_ringbuf_output(&ring, bytes, sizeof bytes, 0);
    failed -= bpf_ringbuf_output(&ring, bytes, 7, 4) * 3;
    for (int i = 0; i < 8; i++) failed = failed * 3 - bpf_ringbuf_output(&ring, bytes, 80, 1);
    return failed + bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) + size;
}
