// bpftime-vm: what the compared programs share
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define MAP(map_type, key_type, value_type, entries) \
    __uint(type, map_type);                          \
    __type(key, key_type);                           \
    __type(value, value_type);                       \
    __uint(max_entries, entries)

/// A number that is like the packet: its length, protocol and first bytes.
static __always_inline __u32 summary(struct xdp_md *ctx) {
    unsigned char *at = (void *)(long)ctx->data;
    unsigned char *end = (void *)(long)ctx->data_end;
    __u32 sum = end - at;
    for (int i = 0; i < 40; i++) {
        if (at + i + 1 > end) break;
        sum = sum * 31 + at[i];
    }
    return sum;
}

char LICENSE[] SEC("license") = "GPL";
