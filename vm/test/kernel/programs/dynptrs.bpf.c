// bpftime-vm: dynptrs to memory, records and packets
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "packet.h"

struct {
    MAP(BPF_MAP_TYPE_ARRAY, __u32, __u8[64], 2);
} values SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 4096);
} ring SEC(".maps");

extern int bpf_dynptr_from_skb(struct __sk_buff *skb, __u64 flags, struct bpf_dynptr *d) __ksym;
extern int bpf_dynptr_from_xdp(struct xdp_md *xdp, __u64 flags, struct bpf_dynptr *d) __ksym;
extern void *bpf_dynptr_slice(const struct bpf_dynptr *d, __u32 at, void *buffer,
                              __u32 size) __ksym;
extern void *bpf_dynptr_slice_rdwr(const struct bpf_dynptr *d, __u32 at, void *buffer,
                                   __u32 size) __ksym;
extern int bpf_dynptr_adjust(const struct bpf_dynptr *d, __u32 from, __u32 to) __ksym;
extern _Bool bpf_dynptr_is_null(const struct bpf_dynptr *d) __ksym;
extern _Bool bpf_dynptr_is_rdonly(const struct bpf_dynptr *d) __ksym;
extern __u32 bpf_dynptr_size(const struct bpf_dynptr *d) __ksym;
extern int bpf_dynptr_clone(const struct bpf_dynptr *d, struct bpf_dynptr *clone) __ksym;

struct results {
    __u32 sum;
};
#define NOTE(r, word) ((r)->sum = (r)->sum * 31 + (__u32)(word))

static __always_inline void note_dynptr(struct results *r, const struct bpf_dynptr *d) {
    NOTE(r, bpf_dynptr_size(d));
    NOTE(r, bpf_dynptr_is_null(d));
    NOTE(r, bpf_dynptr_is_rdonly(d));
}

/// The same questions to any dynptr.
static __always_inline void use(struct results *r, struct bpf_dynptr *d, __u32 write_flags) {
    struct bpf_dynptr clone;
    __u8 bytes[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    __u8 buffer[8] = {};
    note_dynptr(r, d);
    for (__u32 at = 0; at < 80; at += 7) {
        NOTE(r, bpf_dynptr_read(bytes, 4, d, at, 0));
        for (int i = 0; i < 8; i++) NOTE(r, bytes[i]);
        bytes[5] += at;
        NOTE(r, bpf_dynptr_write(d, at, bytes, 7, 0));
        NOTE(r, bpf_dynptr_write(d, at, bytes, 2, write_flags));
        __u8 *slice = bpf_dynptr_slice(d, at, buffer, 8);
        NOTE(r, slice ? slice[7] : 999);
        NOTE(r, bpf_dynptr_data(d, at, 2) != 0);
    }
    NOTE(r, bpf_dynptr_read(bytes, 4, d, 0, 1));
    NOTE(r, bpf_dynptr_clone(d, &clone));
    NOTE(r, bpf_dynptr_adjust(&clone, 3, 2));
    NOTE(r, bpf_dynptr_adjust(&clone, 3, 200));
    NOTE(r, bpf_dynptr_adjust(&clone, 3, 23));
    note_dynptr(r, &clone);
    NOTE(r, bpf_dynptr_read(bytes, 8, &clone, 12, 0));
    NOTE(r, bpf_dynptr_read(bytes, 8, &clone, 13, 0));
    NOTE(r, bytes[7]);
    NOTE(r, bpf_dynptr_adjust(&clone, 20, 20));
    note_dynptr(r, &clone);
    NOTE(r, bpf_dynptr_adjust(&clone, 0, 1));
}

SEC("xdp") int packets(struct xdp_md *ctx) {
    struct results r = {};
    struct bpf_dynptr d;
    __u8 buffer[8] = {};
    NOTE(&r, bpf_dynptr_from_xdp(ctx, 1, &d));
    note_dynptr(&r, &d);
    NOTE(&r, bpf_dynptr_from_xdp(ctx, 0, &d));
    use(&r, &d, 1);
    __u8 *slice = bpf_dynptr_slice_rdwr(&d, 9, buffer, 8);
    if (slice) slice[3] ^= 5;
    return r.sum;
}

SEC("tc") int buffers(struct __sk_buff *skb) {
    struct results r = {};
    struct bpf_dynptr d;
    __u8 buffer[8] = {};
    NOTE(&r, bpf_dynptr_from_skb(skb, 1, &d));
    note_dynptr(&r, &d);
    NOTE(&r, bpf_dynptr_from_skb(skb, 0, &d));
    use(&r, &d, 1);
    __u8 *slice = bpf_dynptr_slice_rdwr(&d, 9, buffer, 8);
    if (slice) slice[3] ^= 5;
    return r.sum;
}

SEC("cgroup_skb/egress") int read_only(struct __sk_buff *skb) {
    struct results r = {};
    struct bpf_dynptr d;
    NOTE(&r, bpf_dynptr_from_skb(skb, 0, &d));
    use(&r, &d, 0);
    return r.sum & 1;
}

SEC("socket") int unreadable(struct __sk_buff *skb) {
    struct results r = {};
    struct bpf_dynptr d;
    NOTE(&r, bpf_dynptr_from_skb(skb, 0, &d));
    use(&r, &d, 0);
    return r.sum;
}

SEC("tc") int memory(struct __sk_buff *skb) {
    struct results r = {};
    struct bpf_dynptr d;
    __u32 index = skb->len & 1;
    __u8 *value = bpf_map_lookup_elem(&values, &index);
    if (!value) return 99;
    NOTE(&r, bpf_dynptr_from_mem(value, 64, 1, &d));
    note_dynptr(&r, &d);
    NOTE(&r, bpf_dynptr_from_mem(value + 3, 61, 0, &d));
    use(&r, &d, 1);
    __u8 *data = bpf_dynptr_data(&d, 50, 11);
    if (data) data[10] += 3;
    return r.sum;
}

SEC("xdp") int to_the_host(struct xdp_md *ctx) {
    struct results r = {};
    struct bpf_dynptr d;
    NOTE(&r, bpf_ringbuf_reserve_dynptr(&ring, 61, 1, &d));
    bpf_ringbuf_discard_dynptr(&d, 0);
    NOTE(&r, bpf_ringbuf_reserve_dynptr(&ring, 1 << 24, 0, &d));
    bpf_ringbuf_submit_dynptr(&d, 0);
    NOTE(&r, bpf_ringbuf_reserve_dynptr(&ring, 5000, 0, &d));
    bpf_ringbuf_submit_dynptr(&d, 0);
    NOTE(&r, bpf_ringbuf_reserve_dynptr(&ring, 61, 0, &d));
    for (__u32 at = 0; at < 61; at += 4) {
        __u32 *data = bpf_dynptr_data(&d, at, 4);
        NOTE(&r, data != 0);
        if (data) *data = summary(ctx);
    }
    if (r.sum & 1)
        bpf_ringbuf_discard_dynptr(&d, BPF_RB_NO_WAKEUP);
    else
        bpf_ringbuf_submit_dynptr(&d, BPF_RB_FORCE_WAKEUP);
    NOTE(&r, bpf_ringbuf_query(&ring, BPF_RB_PROD_POS));
    return r.sum;
}

struct {
    __uint(type, BPF_MAP_TYPE_USER_RINGBUF);
    __uint(max_entries, 4096);
} samples SEC(".maps");

static long take(struct bpf_dynptr *d, void *context) { return 0; }

SEC("xdp") int from_the_host(struct xdp_md *ctx) {
    struct results r = {};
    NOTE(&r, bpf_user_ringbuf_drain(&samples, take, &r, 0));
    NOTE(&r, bpf_user_ringbuf_drain(&samples, take, &r, BPF_RB_FORCE_WAKEUP));
    NOTE(&r, bpf_user_ringbuf_drain(&samples, take, &r, 4));
    return r.sum;
}
