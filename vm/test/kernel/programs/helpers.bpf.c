// bpftime-vm: helpers that need no packet
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "packet.h"

struct {
    MAP(BPF_MAP_TYPE_ARRAY, __u32, char[64], 4);
} texts SEC(".maps");

SEC("tc") int numbers(struct __sk_buff *skb) {
    char signed_text[8] = "-0x1fz", text[8] = "0755 ";
    long n = 0;
    unsigned long u = 0;
    int sum = bpf_strtol(signed_text, sizeof signed_text, 0, &n);
    sum = sum * 31 + n;
    sum = sum * 31 + bpf_strtoul(text, sizeof text, 8, &u);
    sum = sum * 31 + u;
    sum = sum * 31 + bpf_strtol(text + 4, 4, 10, &n);
    sum = sum * 31 + bpf_strtoul(signed_text, sizeof signed_text, 16, &u);
    return sum + skb->len;
}

SEC("xdp") int words(struct xdp_md *ctx) {
    __u32 index = summary(ctx) & 3;
    char *text = bpf_map_lookup_elem(&texts, &index);
    if (!text) return 99;
    int size =
        BPF_SNPRINTF(text, 64, "%d %-5s|%08x %pI4 %c", index, "ab", summary(ctx), &index, 'x');
    char same[6] = "hello";
    return size * 10 + bpf_strncmp(same, sizeof same, "help") + bpf_strncmp(same, 3, "hello");
}

SEC("tc") int clocks(struct __sk_buff *skb) {
    __u64 coarse = bpf_ktime_get_coarse_ns(), now = bpf_ktime_get_ns(),
          boot = bpf_ktime_get_boot_ns();
    __u64 jiffies = bpf_jiffies64();
    return (coarse <= now) + (now <= bpf_ktime_get_ns()) * 2 + (boot >= now) * 4 +
           (jiffies != 0) * 8;
}

SEC("tc") int machine(struct __sk_buff *skb) {
    __u32 cpu = bpf_get_smp_processor_id();
    return cpu + bpf_get_numa_node_id() * 2 + (bpf_get_prandom_u32() >> 31 > 1) +
           (bpf_get_cgroup_classid(skb) << 4);
}

SEC("tc") int printed(struct __sk_buff *skb) {
    static const char format[] = "len %d type %x";
    return bpf_trace_printk(format, sizeof format, skb->len, skb->protocol);
}

SEC("xdp") int sums(struct xdp_md *ctx) {
    __be32 words[4] = {summary(ctx), 2, 3, 4}, zero[2] = {};
    __u32 sum = bpf_csum_diff(0, 0, words, 16, 0);
    sum = sum * 31 + bpf_csum_diff(words, 8, words + 2, 8, sum);
    sum = sum * 31 + bpf_csum_diff(zero, 8, 0, 0, 0);
    return sum * 31 + bpf_csum_diff(words, 16, 0, 0, ~0);
}
